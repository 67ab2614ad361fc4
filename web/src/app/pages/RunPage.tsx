/** `/runs/:id`: a run, with the canvas's picture of its frozen graph. */
import { useParams } from "react-router";
import { RunCanvas } from "@/canvas/RunCanvas";
import { ResumeDialog } from "@/canvas/resume/ResumeDialog";
import { RunView } from "@/runs/RunView";
import { renderFields, renderJob } from "./slots";

export function RunPage() {
  const { id = "" } = useParams();
  return (
    <RunView
      key={id}
      id={id}
      graph={(run, chosen, onChoose) => (
        <RunCanvas
          run={run}
          chosen={chosen}
          onChoose={onChoose}
          renderFields={renderFields}
          renderJob={renderJob}
        />
      )}
      resume={(run, onClose) => (
        <ResumeDialog run={run} onResumed={() => undefined} onClose={onClose} renderFields={renderFields} />
      )}
    />
  );
}
