/** What a user or administrator sets up; one address a part. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Navigate, NavLink, useParams } from "react-router";
import { useTitle } from "@/ui/useTitle";
import { ConnectionsPart } from "./ConnectionsPart";
import { ProfilePart } from "./ProfilePart";
import { meQuery } from "./queries";
import { RuntimesPart } from "./RuntimesPart";
import { SecretsPart } from "./SecretsPart";
import { UsersPart } from "./UsersPart";

const PARTS = {
  profile: ProfilePart,
  secrets: SecretsPart,
  connections: ConnectionsPart,
  runtimes: RuntimesPart,
  users: UsersPart,
} as const;
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

export function SettingsPage() {
  const { t } = useTranslation("settings");
  useTitle(t("title"));
  const { part } = useParams();
  const { data: me } = useQuery(meQuery);
  const name = NAMES.find((one) => one === part);
  if (!name) return <Navigate to="/settings/profile" replace />;
  const Shown = PARTS[name];
  const offered = NAMES.filter((one) => one !== "users" || me?.role === "admin");
  return (
    <div className="mx-auto flex max-w-6xl gap-8 px-6 py-5 max-md:flex-col max-md:gap-3">
      <nav aria-label={t("title")} className="shrink-0 md:w-44">
        <h1 className="mb-3 font-semibold text-lg md:px-2.5">{t("title")}</h1>
        <ul className="space-y-0.5 max-md:flex max-md:flex-wrap">
          {offered.map((one) => (
            <li key={one}>
              <NavLink
                to={`/settings/${one}`}
                className="block rounded-md px-2.5 py-1.5 text-ink-soft hover:bg-sunken aria-[current=page]:bg-sunken aria-[current=page]:font-medium aria-[current=page]:text-ink"
              >
                {t(`part.${one}`)}
              </NavLink>
            </li>
          ))}
        </ul>
      </nav>
      <div className="min-w-0 flex-1 pt-1">
        <Shown />
      </div>
    </div>
  );
}
