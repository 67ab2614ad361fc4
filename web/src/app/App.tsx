import { useTranslation } from "react-i18next";
import { RouterProvider } from "react-router";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { Toasts } from "@/ui/toast";
import { router } from "./routes";
import { SignIn } from "./SignIn";
import { useSession } from "./session";

export function App() {
  useTranslation(); // every text below follows the language
  const session = useSession();
  if (session.isPending) return <Skeleton className="m-6 h-40" />;
  if (session.isError) return <ProblemNote problem={session.error} className="m-6" />;
  return (
    <>
      {session.data ? <RouterProvider router={router} /> : <SignIn />}
      <Toasts />
    </>
  );
}
