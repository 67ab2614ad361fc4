/** Server state: what fails for a moment is asked for again; what is refused is not. */
import { QueryClient } from "@tanstack/react-query";
import { ApiProblem, onSignedOut } from "@/api/client";
import { sessionQuery } from "./session";

const transient = (problem: unknown) =>
  problem instanceof ApiProblem && (problem.status === 0 || problem.status >= 500 || problem.status === 429);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The platform may be on this machine: without a network all of it works.
      networkMode: "always",
      staleTime: 5_000,
      retry: (count, problem) => transient(problem) && count < 5,
      retryDelay: (count) => Math.min(500 * 2 ** count, 8_000),
    },
    mutations: { networkMode: "always", retry: false },
  },
});

// Unless it is not known yet whether anybody is.
onSignedOut(() =>
  queryClient.setQueryData(sessionQuery.queryKey, (known) => (known === undefined ? known : null)),
);
