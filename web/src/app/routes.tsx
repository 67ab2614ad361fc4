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
      { path: "*", element: <Lost /> },
    ],
  },
]);
