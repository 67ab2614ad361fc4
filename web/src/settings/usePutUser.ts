/** Adds a user, or sets everything that can be set of one. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/client";
import { type UserAccount, userQuery, usersQuery } from "./queries";

type PutUser = Pick<UserAccount, "name" | "role" | "disabled" | "max_gpus" | "max_cpus">;

export function usePutUser() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name, role, disabled, max_gpus = null, max_cpus = null }: PutUser) =>
      api.PUT("/api/v1/users/{name}", {
        params: { path: { name } },
        body: { role, disabled, max_gpus, max_cpus },
      }),
    onSuccess: (_, { name }) => {
      void queries.invalidateQueries(userQuery(name));
      return queries.invalidateQueries(usersQuery);
    },
  });
}
