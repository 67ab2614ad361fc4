import type { ReactNode } from "react";
import type { JobDraft, JobPath, OnJobChange, Problems } from "./draft";

/** What every field of a job is given; the form of one job and the panel of a node share them. */
export interface JobFieldProps {
  value: JobDraft;
  onChange: OnJobChange;
  /** Sentences at fields, by dotted path such as `resources.gpus`. */
  problems: Problems;
  /** Texts, also in place of numbers, may hold `${name}`. */
  allowReferences?: boolean;
  /** Nothing can be changed, as in a frozen run. */
  disabled?: boolean;
  /** Something beside a field's label: a menu that makes a parameter of it, say. */
  aside?: (path: JobPath, label: string) => ReactNode;
  /** Under which name what could not be sent yet is kept in this browser. */
  keepAs: string;
}
