import { type RefObject, useLayoutEffect, useState } from "react";

/** An element's height in pixels, as it changes. */
export function useHeight(element: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(0);
  useLayoutEffect(() => {
    const observed = element.current;
    if (!observed) return undefined;
    const observer = new ResizeObserver(() => setHeight(observed.clientHeight));
    observer.observe(observed);
    setHeight(observed.clientHeight);
    return () => observer.disconnect();
  }, [element]);
  return height;
}
