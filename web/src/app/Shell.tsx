/** What stands around every page: where one is, language, theme, who one is. */
import { Boxes, Cpu, ListVideo, LogOut, Monitor, Moon, Settings, Sun, Workflow } from "lucide-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet } from "react-router";
import { LANGUAGES, type Language, language, setLanguage } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuSeparator } from "@/ui/Menu";
import { Skeleton } from "@/ui/Skeleton";
import { Logo } from "./Logo";
import { useSession, useSignOut } from "./session";
import { THEMES, useTheme } from "./theme";

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
          {t("app")}
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

function LanguageMenu() {
  const { t } = useTranslation();
  return (
    <Menu trigger={<IconButton label={t("language")}>{t("languageShort")}</IconButton>}>
      <MenuLabel>{t("language")}</MenuLabel>
      {(Object.keys(LANGUAGES) as Language[]).map((one) => (
        <MenuChoice key={one} checked={one === language()} onSelect={() => setLanguage(one)}>
          {LANGUAGES[one]}
        </MenuChoice>
      ))}
    </Menu>
  );
}

const THEME_ICONS = { light: Sun, dark: Moon, system: Monitor };

function ThemeMenu() {
  const { t } = useTranslation();
  const { theme, choose } = useTheme();
  const Icon = THEME_ICONS[theme];
  return (
    <Menu
      trigger={
        <IconButton label={t("theme.label")}>
          <Icon aria-hidden className="size-4" />
        </IconButton>
      }
    >
      <MenuLabel>{t("theme.label")}</MenuLabel>
      {THEMES.map((one) => (
        <MenuChoice key={one} checked={one === theme} onSelect={() => choose(one)}>
          {t(`theme.${one}`)}
        </MenuChoice>
      ))}
    </Menu>
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
