/** A session for as long as somebody looks at the log. */
import { useEffect, useState, useSyncExternalStore } from "react";
import type { LogName } from "../model/links";
import { LogSession } from "../model/session";

const never = () => () => undefined;

export function useLogSession(job: string, attempt: number, name: LogName): LogSession | undefined {
  const [session, setSession] = useState<LogSession>();
  useEffect(() => {
    const made = new LogSession({ job, attempt, name });
    made.start();
    setSession(made);
    return () => {
      made.close();
      setSession(undefined);
    };
  }, [job, attempt, name]);
  // What is around the lines changes with the state alone; the lines listen by themselves.
  useSyncExternalStore(session?.subscribe ?? never, () => session?.state);
  return session;
}

/** A number that is another one whenever something about the log is. */
export function useVersion(session: LogSession): number {
  return useSyncExternalStore(session.subscribe, () => session.version);
}
