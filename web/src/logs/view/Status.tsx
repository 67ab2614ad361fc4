/** Whether what is seen is all there is: live, reconnecting, ended and how. */

import { CircleCheck, CircleX, LoaderCircle, Radio } from "lucide-react";
import { useTranslation } from "react-i18next";
import { sentenceOf } from "@/i18n/said";
import type { LogSession } from "../model/session";

export function Status({ session }: { session: LogSession }) {
  const { t } = useTranslation("logs");
  const { t: common } = useTranslation();
  const { state, end } = session;
  if (state === "failed") return null;
  if (state === "ended" && end) {
    const good = end.state === "succeeded";
    const Icon = good ? CircleCheck : CircleX;
    const how = () => {
      if (typeof end.signal === "number") return t("ended.signal", { signal: end.signal });
      if (typeof end.exit_code === "number") return t("ended.exit", { code: end.exit_code });
      return t("ended.state", { state: common(`state.${end.state}`) });
    };
    return (
      <Word title={sentenceOf(end) || undefined}>
        <Icon aria-hidden className={good ? "size-3.5 text-state-succeeded" : "size-3.5 text-state-failed"} />
        {how()}
      </Word>
    );
  }
  const live = state === "live";
  return (
    <Word>
      {live ? (
        <Radio aria-hidden className="size-3.5 text-state-running" />
      ) : (
        <LoaderCircle aria-hidden className="size-3.5 animate-spin text-warning" />
      )}
      {live ? t("live") : state === "opening" ? t("opening") : t("reconnecting")}
    </Word>
  );
}

function Word({ title, children }: { title?: string | undefined; children: React.ReactNode }) {
  return (
    <span
      role="status"
      title={title}
      className="flex items-center gap-1 whitespace-nowrap text-ink-soft text-xs"
    >
      {children}
    </span>
  );
}
