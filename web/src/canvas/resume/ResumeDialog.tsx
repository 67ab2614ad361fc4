/** Runs nodes of a run again, inside the same run; with other settings for once, if that is wanted. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { SlidersHorizontal } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { body } from "@/api/body";
import { ApiProblem, api, data } from "@/api/client";
import { deliverUnsent } from "@/fields/useScriptText";
import { formatList } from "@/i18n/format";
import { faultOf } from "@/i18n/said";
import { nodeOpen, type RunDetail, runQuery } from "@/live/run";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Checkbox, Field, Select } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { type State, StateBadge } from "@/ui/StateBadge";
import { sent } from "@/uploads/uploads";
import type { Json } from "../model/graph";
import type { RenderFields } from "../panel/Panel";
import { NodeOverride } from "./NodeOverride";
import { filesIn } from "./overrides";
import { type From, useOverrides } from "./useOverrides";

interface ResumeProps {
  run: RunDetail;
  /** Chosen at first; all that is unfinished if none is. */
  nodes?: readonly string[];
  onResumed: (run: RunDetail) => void;
  onClose: () => void;
  renderFields: RenderFields;
}

const UNFINISHED = new Set(["failed", "cancelled", "upstream_failed"]);

export function ResumeDialog({ run, nodes, onResumed, onClose, renderFields }: ResumeProps) {
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
  const [settings, setSettings] = useState<From>("frozen");
  const [open, setOpen] = useState<string>();
  const overrides = useOverrides(run, settings);
  const keepAs = (name: string) => `resume.${run.id}.${name}`;
  const resume = useMutation({
    mutationFn: async () => {
      const wanted: Record<string, Record<string, Json>> = overrides.of(chosen);
      for (const name of chosen) {
        const script = await deliverUnsent(keepAs(name));
        if (script) wanted[name] = { ...wanted[name], script: { ...script } };
      }
      await Promise.all(Object.values(wanted).flatMap(filesIn).map(sent));
      return data(
        api.POST("/api/v1/runs/{run_id}/resume", {
          params: { path: { run_id: run.id } },
          body: body({ nodes: [...chosen], downstream, settings, overrides: wanted }),
        }),
      );
    },
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
      wide={open !== undefined}
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
            <li key={node.name} className="flex items-center gap-3 py-0.5 pr-1 pl-3">
              <Checkbox
                label={node.name}
                checked={chosen.has(node.name)}
                onChange={() => toggle(node.name)}
              />
              <span className="min-w-0 flex-1 truncate text-right text-ink-faint text-xs">
                <Changed fields={overrides.changedIn(node.name)} />
              </span>
              <StateBadge state={node.state as State} />
              <IconButton
                label={t("resume.change", { name: node.name })}
                aria-pressed={open === node.name}
                disabled={!chosen.has(node.name) || !overrides.ready}
                onClick={() => setOpen((now) => (now === node.name ? undefined : node.name))}
              >
                <SlidersHorizontal aria-hidden className="size-4" />
              </IconButton>
            </li>
          ))}
        </ul>
        {open !== undefined && chosen.has(open) ? (
          <NodeOverride
            key={`${open} ${settings}`}
            name={open}
            kind={overrides.kindOf(open)}
            settings={overrides.settingsOf(open)}
            changed={overrides.changedIn(open).length > 0}
            problems={problemsAt(resume.error, open)}
            onPut={(path, value) => overrides.put(open, path, value)}
            onReset={() => overrides.reset(open)}
            renderFields={renderFields}
            keepAs={keepAs(open)}
          />
        ) : null}
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
              onChange={(event) => setSettings(event.target.value as From)}
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

/** What was refused at fields of this node. */
function problemsAt(problem: Error | null, name: string): Record<string, string> {
  if (!(problem instanceof ApiProblem)) return {};
  const found = problem.errors.filter((one) => one.node === name);
  return Object.fromEntries(found.map((one) => [one.field.replace(/^settings\./, ""), faultOf(one)]));
}

const FIELDS = [
  ...(["script", "dependencies", "dependency_paths", "arguments", "environment", "inputs"] as const),
  ...(["requirements", "resources", "runtime", "retries", "grace_seconds", "warm"] as const),
];

/** What of a node runs with other settings than it had. */
function Changed({ fields }: { fields: readonly string[] }) {
  const { t } = useTranslation("canvas");
  if (!fields.length) return null;
  const names = fields.map((field) => {
    const known = FIELDS.find((one) => one === field);
    return known ? t(`resume.field.${known}`) : field;
  });
  return t("resume.changed", { fields: formatList(names) });
}
