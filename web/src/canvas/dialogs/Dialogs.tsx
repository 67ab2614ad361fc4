/** The dialog that is open, if one is. */
import type { RunDetail } from "@/live/run";
import { type Mode, useEditor } from "../context";
import type { RenderFields } from "../panel/Panel";
import { ResumeDialog } from "../resume/ResumeDialog";
import type { Workflow } from "../server/workflow";
import type { RunWish } from "../useRunning";
import { NotificationsDialog } from "./NotificationsDialog";
import { Palette } from "./Palette";
import { ParametersDialog } from "./ParametersDialog";
import { RunDialog } from "./RunDialog";
import { ScheduleDialog } from "./ScheduleDialog";
import { SettingsDialog } from "./SettingsDialog";
import { Shortcuts } from "./Shortcuts";
import { SweepDialog } from "./SweepDialog";
import { VersionsDialog } from "./VersionsDialog";

interface DialogsProps {
  workflow: Workflow;
  run: RunDetail | undefined;
  mode: Mode | undefined;
  starting: boolean;
  problem: Error | undefined;
  onRun: (wish: RunWish) => void;
  onRestored: (workflow: Workflow) => void;
  onResumed: (run: RunDetail) => void;
  renderFields: RenderFields;
}

export function Dialogs({
  workflow,
  run,
  mode,
  starting,
  problem,
  onRun,
  onRestored,
  onResumed,
  renderFields,
}: DialogsProps) {
  const dialog = useEditor((state) => state.dialog);
  const show = useEditor((state) => state.show);
  const onClose = () => show({ dialog: undefined });
  switch (dialog) {
    case "palette":
      return <Palette onClose={onClose} />;
    case "shortcuts":
      return <Shortcuts onClose={onClose} />;
    case "parameters":
      return <ParametersDialog onClose={onClose} />;
    case "settings":
      return <SettingsDialog onClose={onClose} />;
    case "run":
      return (
        <RunDialog
          workflow={workflow}
          mode={mode ?? { kind: "all", nodes: [] }}
          starting={starting}
          problem={problem}
          onRun={onRun}
          onClose={onClose}
        />
      );
    case "schedule":
      return <ScheduleDialog workflow={workflow.id} onClose={onClose} />;
    case "sweep":
      return <SweepDialog workflow={workflow.id} onClose={onClose} />;
    case "notifications":
      return <NotificationsDialog workflow={workflow.id} onClose={onClose} />;
    case "versions":
      return <VersionsDialog workflow={workflow.id} onRestored={onRestored} onClose={onClose} />;
    case "resume":
      return run ? (
        <ResumeDialog run={run} onResumed={onResumed} onClose={onClose} renderFields={renderFields} />
      ) : null;
    default:
      return null;
  }
}
