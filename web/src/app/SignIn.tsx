import { useTranslation } from "react-i18next";
import { Logo } from "./Logo";
import { LanguageMenu, ThemeMenu } from "./LooksMenus";
import { SignInForm } from "./SignInForm";

export function SignIn() {
  const { t } = useTranslation();
  return (
    <main className="grid h-full place-items-center p-6">
      <div className="w-full max-w-sm rounded-xl border border-line bg-surface p-8 shadow-sm">
        <div className="mb-6 flex items-center gap-3">
          <Logo className="size-9" />
          <h1 className="mr-auto text-lg font-semibold">{t("signIn.title")}</h1>
          <LanguageMenu />
          <ThemeMenu />
        </div>
        <SignInForm />
      </div>
    </main>
  );
}
