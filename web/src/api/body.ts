/** A body of which some fields are left out: the platform has a default for each. */
export function body<T extends object>(fields: NoInfer<{ [Key in keyof T]?: unknown }>): T {
  return fields as T;
}
