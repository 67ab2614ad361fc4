/** What was asked for, frozen; every attempt runs exactly this. */
import { FileArchive, FileCode2 } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { splitWords } from "@/fields/words";
import { formatBytes, formatDuration } from "@/i18n/format";
import type { Job } from "../queries";
import type { Place } from "./ScriptDialog";

const MIB = 1024 * 1024;

export function Specification({ job, onOpen }: { job: Job; onOpen: (place: Place) => void }) {
  const { t } = useTranslation("jobs");
  const { t: tf } = useTranslation("fields");
  const { spec } = job;
  const { resources, retries } = spec;
  const none = <span className="text-ink-faint">{t("spec.none")}</span>;
  return (
    <dl className="grid gap-x-6 gap-y-2.5 overflow-auto p-4 [grid-template-columns:minmax(9rem,max-content)_minmax(0,1fr)]">
      <Row label={tf("script.label")}>
        <button
          type="button"
          className="inline-flex items-center gap-1.5 text-accent underline"
          onClick={() => onOpen({ file: spec.script.name })}
        >
          <FileCode2 aria-hidden className="size-4" />
          {spec.script.name}
        </button>
        <Digest sha256={spec.script.sha256} />
      </Row>
      <Row label={tf("dependencies.label")}>
        {spec.dependencies ? (
          <>
            <a
              className="inline-flex items-center gap-1.5 text-accent underline"
              href={`/api/v1/blobs/${spec.dependencies.sha256}`}
              download={spec.dependencies.name}
            >
              <FileArchive aria-hidden className="size-4" />
              {spec.dependencies.name}
            </a>
            <Digest sha256={spec.dependencies.sha256} />
          </>
        ) : (
          none
        )}
      </Row>
      <Row label={tf("paths.label")}>
        <Lines lines={spec.dependency_paths.split(",").filter((path) => path.trim())} none={none} />
      </Row>
      <Row label={tf("arguments.label")}>
        {spec.arguments ? (
          <span className="flex flex-wrap gap-1">
            {splitWords(spec.arguments).words.map((word, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: words have no other identity than their place
              <code key={at} className="whitespace-pre-wrap rounded bg-sunken px-1.5 text-xs">
                {word}
              </code>
            ))}
          </span>
        ) : (
          none
        )}
      </Row>
      <Row label={tf("environment.label")}>
        <Lines
          lines={Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`)}
          none={none}
        />
      </Row>
      {Object.keys(spec.inputs).length ? (
        <Row label={t("spec.inputs")}>
          <Lines
            lines={Object.entries(spec.inputs).map(([name, source]) => `${name} ← ${source}`)}
            none={none}
          />
        </Row>
      ) : null}
      <Row label={tf("requirements.label")}>
        <Lines lines={spec.requirements.split("\n").filter(Boolean)} none={none} />
      </Row>
      <Row label={tf("runtime.label")}>{spec.runtime}</Row>
      <Row label={tf("group.resources")}>
        {t("spec.resources", {
          gpus: resources.gpus,
          cpus: resources.cpus,
          memory: formatBytes(resources.memory_mb * MIB),
        })}
        {resources.gpu_model ? ` · ${resources.gpu_model}` : ""}
      </Row>
      <Row label={t("spec.timeout")}>
        {resources.timeout_seconds ? formatDuration(resources.timeout_seconds) : tf("timeout.none")}
      </Row>
      <Row label={t("spec.retries")}>
        {t("spec.retriesAre", { failure: retries.after_failure, loss: retries.after_loss })}
      </Row>
      <Row label={tf("grace.label")}>{spec.grace_seconds}</Row>
      <Row label={tf("warm.label")}>{t(spec.warm ? "spec.yes" : "spec.no")}</Row>
      <Row label={t("spec.id")}>
        <code className="text-xs">{job.id}</code>
      </Row>
    </dl>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-soft">{label}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}

function Digest({ sha256 }: { sha256: string }) {
  return (
    <code className="ml-2 text-ink-faint text-xs" title={sha256}>
      {sha256.slice(0, 12)}
    </code>
  );
}

function Lines({ lines, none }: { lines: readonly string[]; none: ReactNode }) {
  if (!lines.length) return none;
  return (
    <ul>
      {lines.map((line) => (
        <li key={line} className="font-mono text-xs [overflow-wrap:anywhere]">
          {line.trim()}
        </li>
      ))}
    </ul>
  );
}
