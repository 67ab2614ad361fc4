/** The storages that jobs may read; administrators set them up, everybody may look. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Database, FolderSearch, Pencil, Plug } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { BucketBrowser } from "@/fields/BucketBrowser";
import { Button, IconButton } from "@/ui/Button";
import { copyText } from "@/ui/copy";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { toast, toastProblem } from "@/ui/toast";
import { CheckDialog } from "./CheckDialog";
import { ConnectionDialog } from "./ConnectionDialog";
import { Part, Rows } from "./Part";
import { type Connection, connectionsQuery, meQuery } from "./queries";
import { Removal } from "./Removal";

export function ConnectionsPart() {
  const { t } = useTranslation("settings");
  const { data: connections, error } = useQuery(connectionsQuery);
  const { data: me } = useQuery(meQuery);
  const [editing, setEditing] = useState<Connection | "new">();
  const [checking, setChecking] = useState<string>();
  const [browsing, setBrowsing] = useState<string>();
  const admin = me?.role === "admin";
  return (
    <Part
      title={t("part.connections")}
      hint={admin ? t("connection.hint") : t("connection.userHint")}
      action={
        admin ? (
          <Button onClick={() => setEditing("new")}>
            <Database aria-hidden className="size-4" />
            {t("connection.add")}
          </Button>
        ) : null
      }
    >
      {error ? <ProblemNote problem={error} /> : null}
      {connections || error ? null : <Skeleton className="h-24" />}
      {connections?.length === 0 ? <Empty title={t("connection.none")} /> : null}
      {connections?.length ? (
        <Rows head={[t("connection.name"), t("connection.where"), t("connection.allowed"), ""]}>
          {connections.map((one) => (
            <ConnectionRow
              key={one.name}
              connection={one}
              admin={admin}
              onEdit={() => setEditing(one)}
              onCheck={() => setChecking(one.name)}
              onBrowse={() => setBrowsing(one.name)}
            />
          ))}
        </Rows>
      ) : null}
      {editing ? (
        <ConnectionDialog
          {...(editing === "new" ? {} : { given: editing })}
          onClose={() => setEditing(undefined)}
        />
      ) : null}
      {checking ? <CheckDialog name={checking} onClose={() => setChecking(undefined)} /> : null}
      {browsing ? (
        <BucketBrowser
          connection={browsing}
          verb={t("connection.copyPaths")}
          onClose={() => setBrowsing(undefined)}
          onPick={(paths) =>
            copyText(paths.join(",")).then(() => {
              toast(t("connection.pathsCopied", { count: paths.length }));
              setBrowsing(undefined);
            }, toastProblem)
          }
        />
      ) : null}
    </Part>
  );
}

interface RowProps {
  connection: Connection;
  admin: boolean;
  onEdit: () => void;
  onCheck: () => void;
  onBrowse: () => void;
}

function ConnectionRow({ connection, admin, onEdit, onCheck, onBrowse }: RowProps) {
  const { t } = useTranslation("settings");
  const { t: tc } = useTranslation();
  const queries = useQueryClient();
  const { name, kind, endpoint, region, allowed } = connection;
  const remove = async () => {
    await api.DELETE("/api/v1/connections/{name}", { params: { path: { name } } });
    await queries.invalidateQueries(connectionsQuery);
  };
  return (
    <tr>
      <td>
        <span className="font-medium">{name}</span>
        <span className="ml-2 rounded bg-sunken px-1.5 text-ink-soft text-xs uppercase">{kind}</span>
      </td>
      <td className="text-ink-soft">
        <span className="font-mono text-xs">{endpoint ?? t("connection.aws")}</span>
        <span className="ml-2 text-xs">{region}</span>
      </td>
      <td className="font-mono text-xs">{allowed.join(", ")}</td>
      <td className="whitespace-nowrap text-right">
        <IconButton label={t("connection.browse", { name })} onClick={onBrowse}>
          <FolderSearch aria-hidden className="size-4" />
        </IconButton>
        <IconButton label={t("connection.check", { name })} onClick={onCheck}>
          <Plug aria-hidden className="size-4" />
        </IconButton>
        {admin ? (
          <>
            <IconButton label={t("connection.edit", { name })} onClick={onEdit}>
              <Pencil aria-hidden className="size-4" />
            </IconButton>
            <Removal
              label={t("connection.delete", { name })}
              title={t("connection.deleteTitle", { name })}
              hint={t("connection.deleteHint")}
              verb={tc("action.delete")}
              onRemove={remove}
            />
          </>
        ) : null}
      </td>
    </tr>
  );
}
