/** Server state: what fails for a moment is asked for again; what is refused is not. */
import { QueryClient } from "@tanstack/react-query";
import { ApiProblem } from "@/api/client";

const transient = (problem: unknown) =>
  problem instanceof ApiProblem && (problem.status === 0 || problem.status >= 500 || problem.status === 429);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, problem) => transient(problem) && count < 5,
      retryDelay: (count) => Math.min(500 * 2 ** count, 8_000),
    },
    mutations: { retry: false },
  },
});
