/** How something stands: an icon, a word and a colour, never the colour alone. */
import clsx from "clsx";
import {
  Ban,
  CheckCircle2,
  Circle,
  CircleDashed,
  CircleSlash,
  Clock,
  History,
  Loader,
  LoaderCircle,
  type LucideIcon,
  PencilLine,
  Recycle,
  SkipForward,
  TriangleAlert,
  Unplug,
  XCircle,
} from "lucide-react";
import { useTranslation } from "react-i18next";
import type common from "@/i18n/en/common.json";

export type State = keyof typeof common.state;

const LOOKS: Record<State, { icon: LucideIcon; colour: string; moves?: boolean }> = {
  draft: { icon: PencilLine, colour: "text-state-draft" },
  not_configured: { icon: CircleDashed, colour: "text-state-draft" },
  ready: { icon: Circle, colour: "text-state-draft" },
  stale: { icon: History, colour: "text-state-stale" },
  up_to_date: { icon: CheckCircle2, colour: "text-state-succeeded" },
  waiting: { icon: CircleDashed, colour: "text-state-queued" },
  queued: { icon: Clock, colour: "text-state-queued" },
  staging: { icon: Loader, colour: "text-state-staging", moves: true },
  running: { icon: LoaderCircle, colour: "text-state-running", moves: true },
  succeeded: { icon: CheckCircle2, colour: "text-state-succeeded" },
  failed: { icon: XCircle, colour: "text-state-failed" },
  cancelled: { icon: Ban, colour: "text-state-cancelled" },
  unreachable: { icon: Unplug, colour: "text-state-failed" },
  skipped: { icon: SkipForward, colour: "text-state-draft" },
  reused: { icon: Recycle, colour: "text-state-reused" },
  not_needed: { icon: CircleSlash, colour: "text-state-draft" },
  upstream_failed: { icon: TriangleAlert, colour: "text-state-upstream" },
  left_out: { icon: CircleDashed, colour: "text-state-draft" },
};

export function stateColour(state: State): string {
  return LOOKS[state].colour;
}

export function StateIcon({ state, className }: { state: State; className?: string }) {
  const { icon: Icon, colour, moves } = LOOKS[state];
  return (
    <Icon
      aria-hidden
      className={clsx("size-4 shrink-0", colour, moves && "animate-spin [animation-duration:2s]", className)}
    />
  );
}

export function StateBadge({ state, className }: { state: State; className?: string }) {
  const { t } = useTranslation();
  return (
    <span
      className={clsx(
        "inline-flex items-center gap-1.5 align-middle whitespace-nowrap font-medium",
        className,
      )}
    >
      <StateIcon state={state} />
      <span className={LOOKS[state].colour}>{t(`state.${state}`)}</span>
    </span>
  );
}
