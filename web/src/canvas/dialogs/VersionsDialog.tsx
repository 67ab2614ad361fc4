/** Every save: what differs from it to today, and a way to bring it back. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { body } from "@/api/body";
import { api, data } from "@/api/client";
import { formatMoment } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { DifferenceList } from "@/ui/DifferenceList";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { useEditor } from "../context";
import type { Workflow } from "../server/workflow";

interface VersionsProps {
  workflow: string;
  onRestored: (workflow: Workflow) => void;
  onClose: () => void;
}

export function VersionsDialog({ workflow, onRestored, onClose }: VersionsProps) {
  const { t } = useTranslation("canvas");
  const queries = useQueryClient();
  const base = useEditor((state) => state.base);
  const dirty = useEditor((state) => state.dirty);
  const [chosen, setChosen] = useState<number>();
  const list = useInfiniteQuery({
    queryKey: ["versions", workflow],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/v1/workflows/{workflow_id}/versions", {
          params: { path: { workflow_id: workflow }, query: pageParam ? { cursor: pageParam } : {} },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const difference = useQuery({
    queryKey: ["difference", workflow, chosen, base],
    queryFn: () =>
      data(
        api.GET("/api/v1/workflows/{workflow_id}/difference", {
          params: { path: { workflow_id: workflow }, query: { before: chosen ?? base, after: base } },
        }),
      ),
    enabled: chosen !== undefined,
  });
  const restore = useMutation({
    mutationFn: (number: number) =>
      data(
        api.POST("/api/v1/workflows/{workflow_id}/versions/{number}/restore", {
          params: { path: { workflow_id: workflow, number }, header: { "If-Match": `"${base}"` } },
          body: body({}),
        }),
      ),
    onSuccess: (restored) => {
      void queries.invalidateQueries({ queryKey: ["versions", workflow] });
      onRestored(restored);
      onClose();
    },
  });
  const versions = list.data?.pages.flatMap((page) => page.items);
  return (
    <Dialog open wide onClose={onClose} title={t("versions.title")} description={t("versions.hint")}>
      <div className="grid min-h-72 gap-4 sm:grid-cols-[18rem_1fr]">
        <div className="max-h-[60vh] overflow-auto">
          {versions ? null : <Skeleton className="h-40" />}
          <ul className="space-y-1">
            {versions?.map((version) => (
              <li key={version.number}>
                <button
                  type="button"
                  aria-pressed={version.number === chosen}
                  className={clsx(
                    "w-full rounded-md border px-3 py-1.5 text-left hover:bg-sunken",
                    version.number === chosen ? "border-accent" : "border-line",
                  )}
                  onClick={() => setChosen(version.number)}
                >
                  <span className="flex justify-between">
                    <strong className="font-medium">
                      {t("versions.number", { number: version.number })}
                    </strong>
                    {version.number === base ? (
                      <span className="text-ink-faint text-xs">{t("versions.current")}</span>
                    ) : null}
                  </span>
                  <span className="block text-ink-faint text-xs">
                    {formatMoment(version.saved_at)} · {version.saved_by}
                    {version.restored_from
                      ? ` · ${t("versions.from", { number: version.restored_from })}`
                      : null}
                  </span>
                  {version.message ? <span className="block truncate text-xs">{version.message}</span> : null}
                </button>
              </li>
            ))}
          </ul>
          {list.hasNextPage ? (
            <Button className="mt-2 w-full" onClick={() => void list.fetchNextPage()}>
              {t("versions.more")}
            </Button>
          ) : null}
        </div>
        <div className="min-w-0">
          {chosen === undefined ? (
            <p className="text-ink-soft">{t("versions.choose")}</p>
          ) : (
            <>
              <div className="mb-3 flex items-center justify-between gap-3">
                <h3 className="font-semibold">{t("versions.since", { number: chosen })}</h3>
                <Button
                  kind="primary"
                  disabled={chosen === base || dirty || restore.isPending}
                  title={dirty ? t("versions.saveFirst") : ""}
                  onClick={() => restore.mutate(chosen)}
                >
                  {t("versions.restore")}
                </Button>
              </div>
              {difference.data ? (
                <DifferenceList changes={difference.data.changes} />
              ) : (
                <Skeleton className="h-24" />
              )}
              {dirty ? <p className="mt-3 text-ink-faint text-xs">{t("versions.saveFirst")}</p> : null}
            </>
          )}
          {restore.error ? <ProblemNote problem={restore.error} className="mt-3" /> : null}
        </div>
      </div>
    </Dialog>
  );
}
