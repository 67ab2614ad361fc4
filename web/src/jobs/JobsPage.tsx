/** Every job, live; the filter stands in the address. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ProblemNote } from "@/ui/ProblemNote";
import { Skeleton } from "@/ui/Skeleton";
import { useTitle } from "@/ui/useTitle";
import { BulkBar } from "./BulkBar";
import { isNarrowed, readFilter, writeFilter } from "./filter";
import { JobsFilter } from "./JobsFilter";
import { JobsTable } from "./JobsTable";
import { jobsQuery } from "./queries";

export function JobsPage() {
  const { t } = useTranslation("jobs");
  useTitle(t("title"));
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => readFilter(params), [params]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const found = useInfiniteQuery(jobsQuery(filter));
  const jobs = useMemo(() => {
    // A new job moves the pages: the same one may stand in two of them.
    const all = found.data?.pages.flatMap((page) => page.items) ?? [];
    return [...new Map(all.map((job) => [job.id, job])).values()];
  }, [found.data]);
  const owners = useMemo(() => [...new Set(jobs.map(({ owner }) => owner))].sort(), [jobs]);

  return (
    <div className="flex h-full flex-col">
      <header className="flex flex-wrap items-center gap-3 px-6 pt-5 pb-3">
        <h1 className="font-semibold text-lg">{t("title")}</h1>
        <Link
          to="/jobs/new"
          className="ml-auto inline-flex h-8 items-center gap-1.5 rounded-md bg-accent px-3 font-medium text-accent-ink hover:brightness-110"
        >
          <Plus aria-hidden className="size-4" />
          {t("new")}
        </Link>
      </header>
      <JobsFilter
        filter={filter}
        owners={owners}
        onChange={(next) => setParams(writeFilter(next), { replace: true })}
      />
      {found.error ? <ProblemNote problem={found.error} className="mx-6 mb-3" /> : null}
      <div className="min-h-0 flex-1 overflow-auto px-6 pb-6" data-scroll>
        {found.isPending ? <Skeletons /> : null}
        {found.isSuccess && !jobs.length ? (
          <Empty title={isNarrowed(filter) ? t("noneFound") : t("none")}>
            {isNarrowed(filter) ? (
              <Button onClick={() => setParams(new URLSearchParams())}>{t("filter.clear")}</Button>
            ) : (
              <Link to="/jobs/new" className="text-accent underline">
                {t("firstJob")}
              </Link>
            )}
          </Empty>
        ) : null}
        {jobs.length ? <JobsTable jobs={jobs} chosen={chosen} onChoose={setChosen} /> : null}
        {found.hasNextPage ? (
          <div className="mt-3 text-center">
            <Button disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
              {found.isFetchingNextPage ? t("loadingMore") : t("more")}
            </Button>
          </div>
        ) : null}
      </div>
      <BulkBar jobs={jobs.filter(({ id }) => chosen.has(id))} onDone={() => setChosen(new Set())} />
    </div>
  );
}

function Skeletons() {
  return (
    <div className="space-y-1.5">
      {[0, 1, 2, 3, 4, 5].map((row) => (
        <Skeleton key={row} className="h-10" />
      ))}
    </div>
  );
}
