/** The job that is being written: kept in this browser until it was submitted, whatever page is open. */
import { create } from "zustand";
import { type JobDraft, type JobPath, type JobValue, withField } from "@/fields/draft";

const KEY = "torchyard.new-job";

function kept(): JobDraft {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as JobDraft;
  } catch {
    return {};
  }
}

interface NewJobStore {
  draft: JobDraft;
  change: (path: JobPath, value: JobValue) => void;
  clear: () => void;
}

function keep(draft: JobDraft): { draft: JobDraft } {
  try {
    localStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    // A browser that is out of room keeps it in this tab alone.
  }
  return { draft };
}

export const useNewJob = create<NewJobStore>((set) => ({
  draft: kept(),
  change: (path, value) => set(({ draft }) => keep(withField(draft, path, value))),
  clear: () => set(keep({})),
}));
