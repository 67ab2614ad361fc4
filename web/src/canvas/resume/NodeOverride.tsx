/** The settings of one node for this resume alone. */
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Tabs } from "@/ui/Tabs";
import type { Json, Settings } from "../model/graph";
import { DatasetPanel, withFile } from "../panel/DatasetPanel";
import type { RenderFields } from "../panel/Panel";

interface NodeOverrideProps {
  name: string;
  kind: "pytorch" | "dataset";
  settings: Settings;
  changed: boolean;
  /** Sentences by field, of what the platform refused. */
  problems: Readonly<Record<string, string>>;
  onPut: (path: readonly string[], value: (now: Settings) => Json | undefined) => void;
  onReset: () => void;
  renderFields: RenderFields;
  keepAs: string;
}

export function NodeOverride(props: NodeOverrideProps) {
  const { t } = useTranslation("canvas");
  const [group, setGroup] = useState<"program" | "resources">("program");
  const { name, settings, problems, keepAs } = props;
  const put = (path: readonly string[], value: Json | undefined) => props.onPut(path, () => value);
  const tabs = (["program", "resources"] as const).map((id) => ({ id, label: t(`panel.${id}`) }));
  return (
    <section
      aria-label={t("resume.of", { name })}
      className="flex max-h-[46vh] flex-col rounded-md border border-line"
    >
      <header className="flex items-center gap-2 px-3 py-1.5">
        <h3 className="min-w-0 flex-1 truncate font-medium">{t("resume.of", { name })}</h3>
        <Button kind="quiet" disabled={!props.changed} onClick={props.onReset}>
          <RotateCcw aria-hidden className="size-4" />
          {t("resume.reset")}
        </Button>
      </header>
      {props.kind === "dataset" ? (
        <div className="min-h-0 flex-1 overflow-auto border-line border-t p-3">
          <DatasetPanel
            name={name}
            settings={settings}
            problems={problems}
            onChange={put}
            onFile={(ref) => props.onPut(["files"], (now) => withFile(now, ref))}
            readOnly={false}
          />
        </div>
      ) : (
        <Tabs tabs={tabs} value={group} onChange={setGroup} label={t("panel.tabs", { name })}>
          <div className="min-h-0 flex-1 overflow-auto p-3">
            {props.renderFields({
              group,
              node: name,
              value: settings,
              onChange: put,
              problems,
              aside: () => null,
              keepAs,
              readOnly: false,
            })}
          </div>
        </Tabs>
      )}
    </section>
  );
}
