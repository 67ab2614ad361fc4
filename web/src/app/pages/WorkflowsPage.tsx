/** `/workflows`. */
export { Workflows as WorkflowsPage } from "@/workflows/Workflows";
