/** Shown while there is no workflow: an empty canvas, with the PyTorch example one click away. */
import { useQuery } from "@tanstack/react-query";
import { Flame, Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { language } from "@/i18n";
import { Button } from "@/ui/Button";
import { Skeleton } from "@/ui/Skeleton";
import { Picture } from "./Picture";
import { templatesQuery } from "./queries";

const EXAMPLE = "lenet";

interface FirstVisitProps {
  busy: boolean;
  onTemplate: (name: string) => void;
  onNew: () => void;
}

export function FirstVisit({ busy, onTemplate, onNew }: FirstVisitProps) {
  const { t } = useTranslation("workflows");
  const { data: templates } = useQuery(templatesQuery);
  const more = templates?.filter((template) => template.name !== EXAMPLE) ?? [];
  return (
    <div className="grid flex-1 place-items-center rounded-xl border border-line bg-[radial-gradient(var(--line)_1.5px,transparent_1.2px)] bg-page bg-size-[20px_20px] p-6">
      <div className="flex max-w-2xl flex-col items-center gap-5 text-center">
        <button
          type="button"
          disabled={busy}
          onClick={() => onTemplate(EXAMPLE)}
          className="group w-56 rounded-lg border-2 border-line-strong border-dashed bg-surface p-3 text-left shadow-sm hover:border-accent hover:border-solid"
        >
          <span className="flex items-center gap-2">
            <span className="grid size-8 place-items-center rounded-md bg-accent-soft text-accent">
              <Flame aria-hidden className="size-5" />
            </span>
            <span>
              <span className="block font-medium">{t("first.node")}</span>
              <span className="block text-ink-faint text-xs">{`${EXAMPLE}.py`}</span>
            </span>
          </span>
          <span className="mt-2 block border-line border-t pt-2 text-accent text-xs">{t("first.click")}</span>
        </button>
        <div>
          <h2 className="font-semibold text-base">{t("first.title")}</h2>
          <p className="mt-1 text-ink-soft">{t("first.hint")}</p>
        </div>
        <div className="flex flex-wrap justify-center gap-2">
          <Button kind="primary" disabled={busy} onClick={() => onTemplate(EXAMPLE)}>
            <Flame aria-hidden className="size-4" />
            {t("first.example")}
          </Button>
          <Button disabled={busy} onClick={onNew}>
            <Plus aria-hidden className="size-4" />
            {t("first.empty")}
          </Button>
        </div>
        {templates === undefined ? (
          <div className="grid w-full grid-cols-2 gap-3">
            <Skeleton className="h-40" />
            <Skeleton className="h-40" />
          </div>
        ) : null}
        {more.length ? (
          <div className="grid gap-3 sm:grid-cols-2">
            {more.map((template) => (
              <button
                key={template.name}
                type="button"
                disabled={busy}
                onClick={() => onTemplate(template.name)}
                className="rounded-lg border border-line bg-surface p-3 text-left hover:border-line-strong hover:shadow-sm"
              >
                <Picture graph={template.outline} layout={template.layout} className="mb-2 h-20 w-full" />
                <span className="block font-medium">{template.words[language()]?.name}</span>
                <span className="line-clamp-2 text-ink-faint text-xs">
                  {template.words[language()]?.description}
                </span>
              </button>
            ))}
          </div>
        ) : null}
      </div>
    </div>
  );
}
