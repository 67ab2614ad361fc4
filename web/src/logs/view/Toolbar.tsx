import { Clock, Download, Hash, Link2, Maximize, Minimize, Search, WrapText } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { toast } from "@/ui/toast";
import { formatPlace, type LineRange, type LogName } from "../model/links";
import type { Panel } from "./OpenLog";

interface ToolbarProps {
  wrap: boolean;
  setWrap: (wrap: boolean) => void;
  times: boolean;
  setTimes: (times: boolean) => void;
  panel: Panel;
  setPanel: (panel: Panel) => void;
  full: boolean;
  setFull: (full: boolean) => void;
  alone: boolean;
  download: () => void;
  chosen: LineRange | undefined;
  disabled: boolean;
  job: string;
  attempt: number;
  name: LogName;
}

const ON = "aria-pressed:bg-accent-soft aria-pressed:text-accent";

export function Toolbar(props: ToolbarProps) {
  const { wrap, setWrap, times, setTimes, panel, setPanel, full, setFull, disabled, chosen } = props;
  const { t } = useTranslation("logs");
  const copyLink = () => {
    const path = `/jobs/${props.job}/logs?attempt=${props.attempt}${formatPlace({ log: props.name, lines: chosen })}`;
    const copied = navigator.clipboard?.writeText(`${location.origin}${path}`);
    copied?.then(
      () => toast(t("linkCopied")),
      () => toast(t("linkRefused")),
    );
    if (!copied) toast(t("linkRefused"));
  };
  return (
    <div role="toolbar" aria-label={t("tools")} className="ml-2 flex items-center">
      <IconButton
        label={t("search.label")}
        shortcut="/"
        aria-pressed={panel === "search"}
        className={ON}
        disabled={disabled}
        onClick={() => setPanel(panel === "search" ? undefined : "search")}
      >
        <Search aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("goto.label")}
        shortcut="g"
        aria-pressed={panel === "goto"}
        className={ON}
        disabled={disabled}
        onClick={() => setPanel(panel === "goto" ? undefined : "goto")}
      >
        <Hash aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("times")}
        shortcut="t"
        aria-pressed={times}
        className={ON}
        disabled={disabled || props.name !== "stdout.log"}
        onClick={() => setTimes(!times)}
      >
        <Clock aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("wrap")}
        shortcut="w"
        aria-pressed={wrap}
        className={ON}
        disabled={disabled}
        onClick={() => setWrap(!wrap)}
      >
        <WrapText aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={t("link")} disabled={disabled} onClick={copyLink}>
        <Link2 aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={t("download", { name: props.name })} shortcut="d" onClick={props.download}>
        <Download aria-hidden className="size-4" />
      </IconButton>
      {props.alone ? null : (
        <IconButton label={full ? t("leaveFull") : t("full")} shortcut="f" onClick={() => setFull(!full)}>
          {full ? <Minimize aria-hidden className="size-4" /> : <Maximize aria-hidden className="size-4" />}
        </IconButton>
      )}
    </div>
  );
}
