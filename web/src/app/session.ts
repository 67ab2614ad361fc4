/** Who is signed in; the cookie itself is out of scripts' reach. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiProblem, api, data } from "@/api/client";

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => {
    try {
      return await data(api.GET("/api/v1/session"));
    } catch (problem) {
      if (problem instanceof ApiProblem && problem.status === 401) return null;
      throw problem;
    }
  },
  staleTime: 60_000,
});

const LINK = "#sign-in=";

/** Signs in with the code of a link, if the address has one; the address is clean afterwards. */
export async function signInByLink(): Promise<void> {
  if (!location.hash.startsWith(LINK)) return;
  const token = decodeURIComponent(location.hash.slice(LINK.length));
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await api.POST("/api/v1/session", { body: { token } });
  } catch (problem) {
    // A link that was used before: whoever is not signed in is asked for a token.
    if (!(problem instanceof ApiProblem && problem.status === 401)) throw problem;
  }
}

export function useSession() {
  return useQuery(sessionQuery);
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => data(api.POST("/api/v1/session", { body: { token } })),
    onSuccess: () => queries.invalidateQueries(),
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.DELETE("/api/v1/session"),
    onSuccess: () => {
      queries.clear();
      location.assign("/");
    },
  });
}
