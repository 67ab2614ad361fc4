import { type RefObject, useEffect } from "react";
import { ROW } from "./useScroll";

/** Scroll by wheel and by finger. */
export function useWheel(viewport: RefObject<HTMLElement | null>, by: (pixels: number) => boolean): void {
  useEffect(() => {
    const element = viewport.current;
    if (!element) return undefined;
    let finger: number | undefined;
    const wheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
      const unit = event.deltaMode === 1 ? ROW : event.deltaMode === 2 ? element.clientHeight : 1;
      if (by(event.deltaY * unit)) event.preventDefault();
    };
    const touched = (event: TouchEvent) => {
      finger = event.touches[0]?.clientY;
    };
    const moved = (event: TouchEvent) => {
      const now = event.touches[0]?.clientY;
      if (finger === undefined || now === undefined) return;
      if (by(finger - now)) event.preventDefault();
      finger = now;
    };
    element.addEventListener("wheel", wheel, { passive: false });
    element.addEventListener("touchstart", touched, { passive: true });
    element.addEventListener("touchmove", moved, { passive: false });
    return () => {
      element.removeEventListener("wheel", wheel);
      element.removeEventListener("touchstart", touched);
      element.removeEventListener("touchmove", moved);
    };
  }, [viewport, by]);
}
