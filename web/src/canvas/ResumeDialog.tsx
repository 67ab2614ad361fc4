/** Runs nodes of a run again, inside the same run. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { body } from "@/api/body";
import { api, data } from "@/api/client";
import { nodeOpen, type RunDetail, runQuery } from "@/live/run";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, Field, Select } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { type State, StateBadge } from "@/ui/StateBadge";

interface ResumeProps {
  run: RunDetail;
  /** Chosen at first; all that is unfinished if none is. */
  nodes?: readonly string[];
  onResumed: (run: RunDetail) => void;
  onClose: () => void;
}

const UNFINISHED = new Set(["failed", "cancelled", "upstream_failed"]);

export function ResumeDialog({ run, nodes, onResumed, onClose }: ResumeProps) {
  const { t } = useTranslation(["canvas", "common"]);
  const queries = useQueryClient();
  const offered = run.nodes.filter((node) => !nodeOpen(node.state) && node.state !== "left_out");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    () =>
      new Set(
        nodes?.length ? nodes : offered.filter((node) => UNFINISHED.has(node.state)).map((node) => node.name),
      ),
  );
  const [downstream, setDownstream] = useState(false);
  const [settings, setSettings] = useState<"frozen" | "today">("frozen");
  const resume = useMutation({
    mutationFn: () =>
      data(
        api.POST("/api/v1/runs/{run_id}/resume", {
          params: { path: { run_id: run.id } },
          body: body({ nodes: [...chosen], downstream, settings }),
        }),
      ),
    onSuccess: (resumed) => {
      queries.setQueryData(runQuery(run.id).queryKey, resumed);
      void queries.invalidateQueries({ queryKey: ["runs"] });
      onResumed(resumed);
      onClose();
    },
  });
  const toggle = (name: string) =>
    setChosen((now) =>
      now.has(name) ? new Set([...now].filter((one) => one !== name)) : new Set([...now, name]),
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("resume.title")}
      description={t("resume.hint")}
      actions={
        <>
          <Button onClick={onClose}>{t("common:action.cancel")}</Button>
          <Button kind="primary" disabled={!chosen.size || resume.isPending} onClick={() => resume.mutate()}>
            {t("resume.start", { count: chosen.size })}
          </Button>
        </>
      }
    >
      <div className="space-y-4">
        <ul className="max-h-64 divide-y divide-line overflow-auto rounded-md border border-line">
          {offered.map((node) => (
            <li key={node.name} className="flex items-center justify-between gap-3 px-3 py-1.5">
              <Checkbox
                label={node.name}
                checked={chosen.has(node.name)}
                onChange={() => toggle(node.name)}
              />
              <StateBadge state={node.state as State} />
            </li>
          ))}
        </ul>
        <Checkbox
          label={t("resume.downstream")}
          checked={downstream}
          onChange={(event) => setDownstream(event.target.checked)}
        />
        <Field label={t("resume.settings")}>
          {(control) => (
            <Select
              {...control}
              value={settings}
              disabled={!run.workflow}
              onChange={(event) => setSettings(event.target.value as "frozen")}
            >
              <option value="frozen">{t("resume.frozen")}</option>
              <option value="today">{t("resume.today")}</option>
            </Select>
          )}
        </Field>
        {resume.error ? <ProblemNote problem={resume.error} /> : null}
      </div>
    </Dialog>
  );
}
