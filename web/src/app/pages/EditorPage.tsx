/** `/workflows/:id`: the editor, with the fields and the logs of other features put in. */
import { useParams } from "react-router";
import { WorkflowEditor } from "@/canvas/WorkflowEditor";
import { deliverUnsent } from "@/fields/useScriptText";
import { renderFields, renderJob } from "./slots";

export function EditorPage() {
  const { id = "" } = useParams();
  return (
    <WorkflowEditor
      key={id}
      id={id}
      renderFields={renderFields}
      renderJob={renderJob}
      deliver={deliverUnsent}
    />
  );
}
