import "./index.css";
import "@/i18n";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { queryClient } from "./queries";
import { signInByLink } from "./session";

const root = document.getElementById("root");
if (root) {
  const show = () =>
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={queryClient}>
          <App />
        </QueryClientProvider>
      </StrictMode>,
    );
  void signInByLink().then(show, show); // what failed here, the sign-in page tells
}
