import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data, type Schema } from "@/api/client";

export type Worker = Schema<"Worker">;

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: () => data(api.GET("/api/v1/workers")),
  refetchInterval: 3_000,
});

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: () => data(api.GET("/api/v1/session")),
  staleTime: 60_000,
});

export function useDrain() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, drain }: { id: string; drain: boolean }) =>
      api.PUT("/api/v1/workers/{worker_id}/drain", { params: { path: { worker_id: id } }, body: { drain } }),
    onSuccess: () => queries.invalidateQueries(workersQuery),
  });
}
