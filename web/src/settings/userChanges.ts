/** Adds a user, or changes some of what is set of one and leaves the rest as it is. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema } from "@/api/client";
import { type UserAccount, userQuery, usersQuery } from "./queries";

export type UserChanges = Schema<"UserChanges">;

export function usePutUser() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name, role, disabled }: Pick<UserAccount, "name" | "role" | "disabled">) =>
      api.PUT("/api/v1/users/{name}", { params: { path: { name } }, body: { role, disabled } }),
    onSuccess: () => queries.invalidateQueries(usersQuery),
  });
}

export function useChangeUser(name: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (changes: UserChanges) =>
      api.PATCH("/api/v1/users/{name}", { params: { path: { name } }, body: changes }),
    onSuccess: () => {
      void queries.invalidateQueries(userQuery(name));
      return queries.invalidateQueries(usersQuery);
    },
  });
}
