import { useState } from "react";
import { useTranslation } from "react-i18next";
import { RouterProvider } from "react-router";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { Toasts } from "@/ui/toast";
import { router } from "./routes";
import { SignIn } from "./SignIn";
import { SignInAgain } from "./SignInAgain";
import { useSession } from "./session";

export function App() {
  useTranslation(); // every text below follows the language
  const session = useSession();
  const [entered, setEntered] = useState(false);
  if (session.data && !entered) setEntered(true);
  if (session.isPending) return <Skeleton className="m-6 h-40" />;
  // Later on the page stays, whether or not the platform answers.
  if (session.isLoadingError) return <ProblemNote problem={session.error} className="m-6" />;
  return (
    <>
      {entered ? <RouterProvider router={router} /> : <SignIn />}
      {entered && !session.data ? <SignInAgain /> : null}
      <Toasts />
    </>
  );
}
