/** What is the same for every kind of node: leaving it out, and reusing what it gave before. */
import { useTranslation } from "react-i18next";
import { Checkbox, Field, Select } from "@/ui/Field";
import { useEditor } from "../context";
import type { GraphNode } from "../model/graph";

const AGES = [3_600, 86_400, 604_800, 2_592_000] as const;

export function NodeSettings({ node }: { node: GraphNode }) {
  const { t } = useTranslation("canvas");
  const change = useEditor((state) => state.change);
  const readOnly = useEditor((state) => state.readOnly);
  const age = node.reuse.max_age_seconds ?? 0;
  const ages = AGES.some((one) => one === age) || !age ? AGES : [...AGES, age];
  return (
    <fieldset disabled={readOnly} className="space-y-4">
      <div>
        <Checkbox
          label={t("node.skip")}
          checked={node.skip}
          onChange={(event) => change({ type: "skip", nodes: [node.id], skip: event.target.checked })}
        />
        <p className="mt-1 ml-6 text-ink-faint text-xs">{t("node.skipHint")}</p>
      </div>
      {node.kind === "pytorch" ? (
        <div>
          <Checkbox
            label={t("node.reuse")}
            checked={node.reuse.mode === "on"}
            onChange={(event) =>
              change({
                type: "reuse",
                node: node.id,
                reuse: { ...node.reuse, mode: event.target.checked ? "on" : "off" },
              })
            }
          />
          <p className="mt-1 ml-6 text-ink-faint text-xs">{t("node.reuseHint")}</p>
          {node.reuse.mode === "on" ? (
            <Field label={t("node.maxAge")} className="mt-3 ml-6">
              {(control) => (
                <Select
                  {...control}
                  value={age}
                  onChange={(event) =>
                    change({
                      type: "reuse",
                      node: node.id,
                      reuse: { mode: "on", max_age_seconds: Number(event.target.value) || null },
                    })
                  }
                >
                  <option value={0}>{t("age.any")}</option>
                  {ages.map((one) => (
                    <option key={one} value={one}>
                      {one % 86_400
                        ? t("age.hours", { count: one / 3_600 })
                        : t("age.days", { count: one / 86_400 })}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          ) : null}
        </div>
      ) : null}
    </fieldset>
  );
}
