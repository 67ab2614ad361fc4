import { useEffect, useState } from "react";

/** The time now in milliseconds, told anew every so often while `moving`. */
export function useNow(every: number, moving: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!moving) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every, moving]);
  return now;
}
