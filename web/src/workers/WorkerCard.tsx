/** One worker. */
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CirclePause, CirclePlay, Cpu, MemoryStick, ShieldAlert, Unplug } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes, formatDuration, formatMoment } from "@/i18n/format";
import { eventOf } from "@/i18n/said";
import { Button } from "@/ui/Button";
import { toastProblem } from "@/ui/toast";
import { useNow } from "@/ui/useNow";
import { Gpus } from "./Gpus";
import { Held } from "./Held";
import { meQuery, useDrain, type Worker } from "./queries";
import { Runtimes } from "./Runtimes";

const MIB = 1024 * 1024;

export function WorkerCard({ worker }: { worker: Worker }) {
  const { t } = useTranslation("workers");
  const { cpus, free_cpus, memory_mb, free_memory_mb } = worker;
  return (
    <section aria-label={worker.name} className="rounded-lg border border-line bg-surface">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-line border-b px-4 py-2.5">
        <h2 className="min-w-0 truncate font-semibold">{worker.name}</h2>
        <Health worker={worker} />
        <DrainButton worker={worker} />
      </header>
      <div className="space-y-3.5 px-4 py-3">
        <div className="grid grid-cols-2 gap-4">
          <Meter
            icon={<Cpu aria-hidden className="size-4 text-ink-faint" />}
            label={t("cpus")}
            used={cpus - free_cpus}
            all={cpus}
            text={t("usedOf", { used: cpus - free_cpus, all: cpus })}
          />
          <Meter
            icon={<MemoryStick aria-hidden className="size-4 text-ink-faint" />}
            label={t("memory")}
            used={memory_mb - free_memory_mb}
            all={memory_mb}
            text={t("usedOf", {
              used: formatBytes((memory_mb - free_memory_mb) * MIB),
              all: formatBytes(memory_mb * MIB),
            })}
          />
        </div>
        <Gpus worker={worker} />
        <Held worker={worker} />
        <Runtimes runtimes={worker.runtimes} />
        <Isolation worker={worker} />
      </div>
    </section>
  );
}

/** Heard of, silent, or being drained; with when its last heartbeat came. */
function Health({ worker }: { worker: Worker }) {
  const { t } = useTranslation("workers");
  const now = useNow(1_000, true);
  const since = Math.max(0, now - Date.parse(worker.seen_at)) / 1000;
  const [Icon, colour, word] = !worker.reachable
    ? [Unplug, "text-state-failed", t("health.unreachable")]
    : worker.draining
      ? [CirclePause, "text-state-stale", t("health.draining")]
      : [CircleCheck, "text-state-succeeded", t("health.up")];
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <Icon aria-hidden className={`size-4 shrink-0 ${colour}`} />
      <span className={`font-medium ${colour}`}>{word}</span>
      <span className="truncate text-ink-faint text-xs" title={formatMoment(worker.seen_at)}>
        {since < 2 * 60 ? t("health.beat", { time: formatDuration(Math.round(since)) }) : null}
        {since >= 2 * 60 ? t("health.lastBeat", { at: formatMoment(worker.seen_at) }) : null}
      </span>
    </span>
  );
}

function DrainButton({ worker }: { worker: Worker }) {
  const { t } = useTranslation("workers");
  const { data: me } = useQuery(meQuery);
  const drain = useDrain();
  if (me?.role !== "admin") return null;
  const Icon = worker.draining ? CirclePlay : CirclePause;
  return (
    <Button
      className="ml-auto"
      disabled={drain.isPending}
      title={worker.draining ? t("resumeHint") : t("drainHint")}
      onClick={() => drain.mutate({ id: worker.id, drain: !worker.draining }, { onError: toastProblem })}
    >
      <Icon aria-hidden className="size-4" />
      {worker.draining ? t("resume") : t("drain")}
    </Button>
  );
}

interface MeterProps {
  icon: ReactNode;
  label: string;
  used: number;
  all: number;
  text: string;
}

function Meter({ icon, label, used, all, text }: MeterProps) {
  const share = all ? Math.min(used / all, 1) : 0;
  return (
    <div>
      <div className="flex items-center gap-1.5">
        {icon}
        <span className="text-ink-soft">{label}</span>
        <span className="ml-auto whitespace-nowrap text-xs">{text}</span>
      </div>
      <meter className="sr-only" aria-label={label} min={0} max={all} value={used}>
        {text}
      </meter>
      <div aria-hidden className="mt-1 h-1.5 overflow-hidden rounded bg-line">
        <div className="h-full bg-state-running" style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}

function Isolation({ worker }: { worker: Worker }) {
  const { t } = useTranslation("workers");
  const known = [0, 1, 2, 3] as const;
  const tier = known.find((one) => one === worker.isolation_tier);
  return (
    <div className="flex items-start gap-1.5 text-ink-soft text-xs">
      <ShieldAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
      <div>
        <p>
          {t("isolation.tier", { tier: worker.isolation_tier })}
          {tier === undefined ? "" : ` · ${t(`isolation.${tier}`)}`}
        </p>
        {worker.isolation_notes.map((note, at) => (
          <p key={note} className="text-ink-faint">
            {eventOf({ message: note, saying: worker.isolation_sayings[at] })}
          </p>
        ))}
      </div>
    </div>
  );
}
