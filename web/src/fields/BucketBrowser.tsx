/** A look through the storages: folders are entered, files and folders chosen. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ChevronRight, Database, File, Folder } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data } from "@/api/client";
import { formatBytes, formatMoment } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import { Select } from "@/ui/Field";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { connectionsQuery } from "./queries";

interface BrowserProps {
  /** Where to begin; the first one if left out. */
  connection?: string;
  /** What choosing does; adding to a field if left out. */
  verb?: string;
  onClose: () => void;
  onPick: (paths: string[]) => void;
}

export function BucketBrowser(props: BrowserProps) {
  const { t } = useTranslation("fields");
  const { t: tc } = useTranslation();
  const { data: connections = [] } = useQuery(connectionsQuery);
  const [connection, setConnection] = useState(props.connection);
  const [prefix, setPrefix] = useState<string>();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const name = connection ?? connections[0]?.name;
  const toggle = (path: string) =>
    setChosen((now) => (now.includes(path) ? now.filter((one) => one !== path) : [...now, path]));
  return (
    <Dialog
      open
      wide
      onClose={props.onClose}
      title={t("browser.title")}
      description={t("browser.hint")}
      actions={
        <>
          <Button onClick={props.onClose}>{tc("action.cancel")}</Button>
          <Button kind="primary" disabled={!chosen.length} onClick={() => props.onPick([...chosen])}>
            {props.verb ?? t("browser.add", { count: chosen.length })}
          </Button>
        </>
      }
    >
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <Database aria-hidden className="size-4 text-ink-faint" />
        <Select
          className="w-44!"
          aria-label={t("browser.connection")}
          value={name ?? ""}
          onChange={(event) => {
            setConnection(event.target.value);
            setPrefix(undefined);
          }}
        >
          {connections.map((one) => (
            <option key={one.name}>{one.name}</option>
          ))}
        </Select>
        <Crumbs prefix={prefix} onGo={setPrefix} />
      </div>
      {name ? (
        <Listing
          key={`${name} ${prefix}`}
          connection={name}
          prefix={prefix}
          chosen={chosen}
          onToggle={toggle}
          onEnter={setPrefix}
        />
      ) : null}
    </Dialog>
  );
}

function Crumbs({ prefix, onGo }: { prefix: string | undefined; onGo: (prefix?: string) => void }) {
  const { t } = useTranslation("fields");
  const [scheme = "", rest = ""] = prefix?.split("://") ?? [];
  const parts = rest.split("/").filter(Boolean);
  return (
    <nav aria-label={t("browser.place")} className="flex flex-wrap items-center">
      <Button kind="quiet" className="px-1.5!" onClick={() => onGo(undefined)}>
        {t("browser.all")}
      </Button>
      {parts.map((part, at) => {
        const path = `${scheme}://${parts.slice(0, at + 1).join("/")}/`;
        return (
          <span key={path} className="flex items-center">
            <ChevronRight aria-hidden className="size-3.5 text-ink-faint" />
            <Button kind="quiet" className="px-1.5! font-mono text-xs" onClick={() => onGo(path)}>
              {part}
            </Button>
          </span>
        );
      })}
    </nav>
  );
}

interface ListingProps {
  connection: string;
  prefix: string | undefined;
  chosen: readonly string[];
  onToggle: (path: string) => void;
  onEnter: (path: string) => void;
}

function Listing({ connection, prefix, chosen, onToggle, onEnter }: ListingProps) {
  const { t } = useTranslation("fields");
  const found = useInfiniteQuery({
    queryKey: ["browse", connection, prefix],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/v1/connections/{name}/browse", {
          params: {
            path: { name: connection },
            query: { ...(prefix ? { prefix } : {}), ...(pageParam ? { cursor: pageParam } : {}) },
          },
        }),
      ),
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  if (found.isPending) return <Skeleton className="h-64" />;
  if (found.isError) return <ProblemNote problem={found.error} />;
  const folders = found.data.pages.flatMap((page) => page.folders);
  const files = found.data.pages.flatMap((page) => page.files);
  if (!folders.length && !files.length) return <Empty title={t("browser.empty")} />;
  return (
    <>
      <table className="w-full">
        <thead className="text-left text-ink-faint text-xs">
          <tr>
            <th className="w-8" aria-label={t("browser.choose")} />
            <th className="py-1 font-normal">{t("browser.name")}</th>
            <th className="w-28 text-right font-normal">{t("browser.size")}</th>
            <th className="w-48 text-right font-normal">{t("browser.modified")}</th>
          </tr>
        </thead>
        <tbody>
          {folders.map((path) => (
            <tr key={path} className="border-line border-t hover:bg-sunken">
              <td>
                <Choice path={path} chosen={chosen} onToggle={onToggle} />
              </td>
              <td className="py-1" colSpan={3}>
                <button
                  type="button"
                  className="flex items-center gap-1.5 text-left"
                  onClick={() => onEnter(path)}
                >
                  <Folder aria-hidden className="size-4 text-accent" />
                  <span className="font-mono text-xs">{lastPart(path)}</span>
                </button>
              </td>
            </tr>
          ))}
          {files.map(({ path, name, size, modified_at }) => (
            <tr key={path} className="border-line border-t hover:bg-sunken">
              <td>
                <Choice path={path} chosen={chosen} onToggle={onToggle} />
              </td>
              <td className="py-1">
                <span className="flex items-center gap-1.5">
                  <File aria-hidden className="size-4 text-ink-faint" />
                  <span className="font-mono text-xs">{name}</span>
                </span>
              </td>
              <td className="text-right">{formatBytes(size)}</td>
              <td className="text-right text-ink-soft">{formatMoment(modified_at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.hasNextPage ? (
        <Button
          className="mt-3"
          disabled={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          {t("browser.more")}
        </Button>
      ) : null}
    </>
  );
}

function Choice({ path, chosen, onToggle }: Pick<ListingProps, "chosen" | "onToggle"> & { path: string }) {
  return (
    <input
      type="checkbox"
      aria-label={path}
      className="size-4 align-middle accent-(--accent)"
      checked={chosen.includes(path)}
      onChange={() => onToggle(path)}
    />
  );
}

function lastPart(path: string): string {
  return `${path.replace(/\/$/, "").split("/").pop() ?? ""}/`;
}
