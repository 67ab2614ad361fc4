import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "@/api/client";

export type Connection = Schema<"Connection">;
export type ConnectionSettings = Schema<"ConnectionSettings">;
export type UserAccount = Schema<"UserAccount">;
export type NewToken = Schema<"NewToken">;

/** The same as the app's own: who is signed in does not change on a page. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: () => data(api.GET("/api/v1/session")),
  staleTime: 60_000,
});

export const connectionsQuery = queryOptions({
  queryKey: ["connections"],
  queryFn: () => data(api.GET("/api/v1/connections")),
});

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: () => data(api.GET("/api/v1/secrets")),
});

export const runtimesQuery = queryOptions({
  queryKey: ["runtimes"],
  queryFn: () => data(api.GET("/api/v1/runtimes")),
  refetchInterval: 15_000,
});

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: () => data(api.GET("/api/v1/users")),
  refetchInterval: 15_000,
});

export const userQuery = (name: string) =>
  queryOptions({
    queryKey: ["user", name],
    queryFn: () => data(api.GET("/api/v1/users/{name}", { params: { path: { name } } })),
    refetchInterval: 15_000,
  });

export const tokensQuery = (name: string) =>
  queryOptions({
    queryKey: ["tokens", name],
    queryFn: () => data(api.GET("/api/v1/users/{name}/tokens", { params: { path: { name } } })),
  });
