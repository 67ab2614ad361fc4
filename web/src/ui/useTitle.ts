/** What the browser calls the page, in its tabs and its history. */
import { useEffect } from "react";

const APP = "Torchyard";

export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · ${APP}` : APP;
    return () => {
      document.title = APP;
    };
  }, [title]);
}
