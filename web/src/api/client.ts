/** The one way to the platform: typed by its OpenAPI document, errors as `ApiProblem`. */
import createClient, { type Middleware } from "openapi-fetch";
import type { Saying } from "@/i18n/said";
import type { components, paths } from "./schema";

export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

export interface FieldProblem {
  field: string;
  code: string;
  message: string;
  saying?: Saying | null;
  /** The node of a graph that has it, if one has. */
  node?: string | null;
}

/** What the platform refused, or that it could not be reached (`code` is `unreachable`, `status` 0). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly errors: readonly FieldProblem[];
  /** All members of the problem document. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body["detail"] ?? body["title"] ?? `HTTP ${status}`));
    this.name = "ApiProblem";
    this.status = status;
    this.code = String(body["code"] ?? "unknown");
    this.hint = typeof body["hint"] === "string" ? body["hint"] : undefined;
    this.errors = Array.isArray(body["errors"]) ? (body["errors"] as FieldProblem[]) : [];
    this.body = body;
  }
}

let tellSignedOut = () => {};

/** Has somebody told whenever the platform does not know any more who is asking. */
export function onSignedOut(tell: () => void): void {
  tellSignedOut = tell;
}

/** The problem an answer carries; also where something else than the platform answered. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  if (response.status === 401) tellSignedOut();
  const text = await response.text();
  try {
    return new ApiProblem(response.status, JSON.parse(text) as Record<string, unknown>);
  } catch {
    return new ApiProblem(response.status, { code: "unknown", detail: text.slice(0, 300) });
  }
}

const refuse: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
  onError({ error }) {
    return new ApiProblem(0, { code: "unreachable", detail: error instanceof Error ? error.message : "" });
  },
};

export const api = createClient<paths>({ baseUrl: "/" });
api.use(refuse);

/** The answer's body; `api` throws before this could see an error. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
