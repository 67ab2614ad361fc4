/** `/runs`, and `/workflows/:id/runs`. */
import { useParams } from "react-router";
import { Runs } from "@/runs/Runs";

export function RunsPage() {
  const { id } = useParams();
  return <Runs key={id ?? ""} {...(id ? { workflow: id } : {})} />;
}
