/** Making a stored secret of a value that was typed. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/client";
import { toastProblem } from "@/ui/toast";
import { secretsQuery } from "./queries";

/** The name, or the next one with a number that is not taken. */
export function freeName(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  let number = 2;
  while (taken.includes(`${wanted}_${number}`)) number += 1;
  return `${wanted}_${number}`;
}

/** Stores a value under a name that no secret has yet; gives the reference that stands for it. */
export function useMakeSecret() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ name, value }: { name: string; value: string }) => {
      const known = await queries.fetchQuery({ ...secretsQuery, staleTime: 0 });
      const free = freeName(
        name,
        known.map((secret) => secret.name),
      );
      await api.PUT("/api/v1/secrets/{name}", { params: { path: { name: free } }, body: { value } });
      void queries.invalidateQueries(secretsQuery);
      return `\${secrets.${free}}`;
    },
    onError: toastProblem,
  });
}
