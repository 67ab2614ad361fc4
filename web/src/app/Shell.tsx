/** What stands around every page: where one is, language, theme, who one is. */
import { Boxes, Cpu, ListVideo, LogOut, Settings, Workflow } from "lucide-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet } from "react-router";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "@/ui/Menu";
import { Skeleton } from "@/ui/Skeleton";
import { Logo } from "./Logo";
import { LanguageMenu, ThemeMenu } from "./LooksMenus";
import { useSession, useSignOut } from "./session";

const PLACES = [
  { to: "/workflows", key: "workflows", icon: Workflow },
  { to: "/jobs", key: "jobs", icon: ListVideo },
  { to: "/runs", key: "runs", icon: Boxes },
  { to: "/workers", key: "workers", icon: Cpu },
  { to: "/settings", key: "settings", icon: Settings },
] as const;

export function Shell() {
  const { t } = useTranslation();
  return (
    <div className="flex h-full flex-col">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded focus:bg-raised focus:px-3 focus:py-2"
      >
        {t("skip")}
      </a>
      <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line bg-surface px-3">
        <NavLink to="/workflows" className="mr-3 flex items-center gap-2 font-semibold">
          <Logo className="size-6" />
          <span className="max-md:sr-only">{t("app")}</span>
        </NavLink>
        <nav aria-label={t("nav.main")} className="flex gap-1">
          {PLACES.map(({ to, key, icon: Icon }) => (
            <NavLink
              key={to}
              to={to}
              className="flex items-center gap-1.5 rounded-md px-2.5 py-1.5 text-ink-soft hover:bg-sunken aria-[current=page]:bg-sunken aria-[current=page]:font-medium aria-[current=page]:text-ink"
            >
              <Icon aria-hidden className="size-4" />
              {t(`nav.${key}`)}
            </NavLink>
          ))}
        </nav>
        <div className="ml-auto flex items-center gap-1">
          <LanguageMenu />
          <ThemeMenu />
          <UserMenu />
        </div>
      </header>
      <main id="content" tabIndex={-1} className="min-h-0 flex-1 overflow-auto outline-none">
        <Suspense fallback={<Skeleton className="m-6 h-40" />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
}

function UserMenu() {
  const { t } = useTranslation();
  const { data: me } = useSession();
  const signOut = useSignOut();
  if (!me) return null;
  return (
    <Menu trigger={<IconButton label={me.name}>{me.name.slice(0, 1).toUpperCase()}</IconButton>}>
      <MenuLabel>{me.name}</MenuLabel>
      <MenuSeparator />
      <MenuItem icon={LogOut} onSelect={() => signOut.mutate()}>
        {t("signIn.out")}
      </MenuItem>
    </Menu>
  );
}
