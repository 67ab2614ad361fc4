/** Over the page whose sign-in ran out: it stays as it is, with all that was typed into it. */
import { Dialog } from "radix-ui";
import { useTranslation } from "react-i18next";
import { SignInForm } from "./SignInForm";

export function SignInAgain() {
  const { t } = useTranslation();
  return (
    <Dialog.Root open>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-[60] bg-black/40" />
        <Dialog.Content
          className="fixed top-1/2 left-1/2 z-[60] w-[min(24rem,94vw)] -translate-x-1/2 -translate-y-1/2 rounded-xl border border-line bg-raised p-8 shadow-xl outline-none"
          onEscapeKeyDown={(event) => event.preventDefault()}
          onInteractOutside={(event) => event.preventDefault()}
        >
          <Dialog.Title className="font-semibold text-lg">{t("signIn.again")}</Dialog.Title>
          <Dialog.Description className="mt-1 mb-5 text-ink-soft">{t("signIn.againHint")}</Dialog.Description>
          <SignInForm />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
