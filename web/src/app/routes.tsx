/** Every page, loaded when it is first opened. */
import { createBrowserRouter, Navigate } from "react-router";
import { Crash } from "./Crash";
import { Lost } from "./Lost";
import { Shell } from "./Shell";

export const router = createBrowserRouter([
  {
    path: "/",
    element: <Shell />,
    errorElement: <Crash />,
    children: [
      { index: true, element: <Navigate to="/workflows" replace /> },
      {
        path: "workflows",
        lazy: async () => ({ Component: (await import("./pages/WorkflowsPage")).WorkflowsPage }),
      },
      {
        path: "workflows/:id",
        lazy: async () => ({ Component: (await import("./pages/EditorPage")).EditorPage }),
      },
      {
        path: "workflows/:id/runs",
        lazy: async () => ({ Component: (await import("./pages/RunsPage")).RunsPage }),
      },
      { path: "runs", lazy: async () => ({ Component: (await import("./pages/RunsPage")).RunsPage }) },
      { path: "runs/:id", lazy: async () => ({ Component: (await import("./pages/RunPage")).RunPage }) },
      { path: "jobs", lazy: async () => ({ Component: (await import("@/jobs/JobsPage")).JobsPage }) },
      { path: "jobs/new", lazy: async () => ({ Component: (await import("@/jobs/NewJobPage")).NewJobPage }) },
      { path: "jobs/:id", lazy: async () => ({ Component: (await import("./pages/JobPage")).JobPage }) },
      {
        path: "workers",
        lazy: async () => ({ Component: (await import("@/workers/WorkersPage")).WorkersPage }),
      },
      {
        path: "settings/:part?",
        lazy: async () => ({ Component: (await import("@/settings/SettingsPage")).SettingsPage }),
      },
      { path: "jobs/:id/logs", lazy: async () => ({ Component: (await import("./pages/LogPage")).LogPage }) },
      { path: "*", element: <Lost /> },
    ],
  },
]);
