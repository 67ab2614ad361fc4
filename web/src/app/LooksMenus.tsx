/** In which language and which theme the app is shown. */
import { Monitor, Moon, Sun } from "lucide-react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language, language, setLanguage } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { Menu, MenuChoice, MenuLabel } from "@/ui/Menu";
import { THEMES, useTheme } from "./theme";

export function LanguageMenu() {
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

export function ThemeMenu() {
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
