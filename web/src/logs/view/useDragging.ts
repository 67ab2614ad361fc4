import { type RefObject, useEffect } from "react";

const EVERY = 40;

/** A selection that is dragged over the edge takes the log with it. */
export function useDragging(
  viewport: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  by: (pixels: number) => boolean,
): void {
  useEffect(() => {
    const element = viewport.current;
    if (!element) return undefined;
    let timer: number | undefined;
    let [x, y] = [0, 0];
    const stop = () => {
      clearInterval(timer);
      timer = undefined;
    };
    const pull = () => {
      const box = element.getBoundingClientRect();
      const over = y < box.top ? y - box.top : y > box.bottom ? y - box.bottom : 0;
      if (!over) return;
      by(over / 2);
      requestAnimationFrame(() => {
        const edge = over < 0 ? box.top + 2 : box.bottom - 16;
        const place = document.caretPositionFromPoint?.(Math.min(Math.max(x, box.left), box.right - 1), edge);
        if (place && content.current?.contains(place.offsetNode)) {
          document.getSelection()?.extend(place.offsetNode, place.offset);
        }
      });
    };
    const move = (event: PointerEvent) => {
      [x, y] = [event.clientX, event.clientY];
      if (!(event.buttons & 1)) stop();
    };
    const down = (event: PointerEvent) => {
      if (event.button !== 0 || !content.current?.contains(event.target as Node)) return;
      [x, y] = [event.clientX, event.clientY];
      stop();
      timer = window.setInterval(pull, EVERY);
    };
    element.addEventListener("pointerdown", down);
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", stop);
    return () => {
      stop();
      element.removeEventListener("pointerdown", down);
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", stop);
    };
  }, [viewport, content, by]);
}
