/** The progress that a running job prints; nothing for one that prints none. */
import { useQuery } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import { ProgressRing } from "@/ui/ProgressRing";

const LOOK_EVERY = 4_000;
/** Behind the end of every log: of all that was printed, only the progress is wanted. */
const NO_POINTS = 2 ** 53 - 1;

interface ProgressProps {
  jobId: string;
  /** Whether its script runs. */
  running: boolean;
  /** Without words beside the ring; they are its tip. */
  short?: boolean;
  className?: string;
}

export function JobProgress({ jobId, running, short = false, className }: ProgressProps) {
  const { data: found } = useQuery({
    queryKey: ["job", jobId, "progress"],
    queryFn: () =>
      data(
        api.GET("/api/v1/jobs/{job_id}/series", {
          params: { path: { job_id: jobId }, query: { after: NO_POINTS } },
        }),
      ),
    refetchInterval: running ? LOOK_EVERY : false,
    enabled: running,
  });
  const progress = found?.progress;
  if (!running || !progress) return null;
  return (
    <ProgressRing
      fraction={progress.fraction}
      secondsLeft={progress.seconds_left}
      at={progress.at}
      short={short}
      {...(className ? { className } : {})}
    />
  );
}
