/** Narrowing the list: states, text, owner, workflow, time. */
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Select, TextInput } from "@/ui/Field";
import { StateIcon } from "@/ui/StateBadge";
import { type Filter, isNarrowed, type JobState, PERIODS, type Period, STATES } from "./filter";
import { workflowNamesQuery } from "./queries";

interface FilterProps {
  filter: Filter;
  /** Owners of the jobs that are on the page. */
  owners: readonly string[];
  onChange: (filter: Filter) => void;
}

/** After the last key, before the list is asked for. */
const PAUSE = 300;
const EMPTY: Filter = { states: [], text: "", owner: "", workflow: "", period: "", from: "", until: "" };

export function JobsFilter({ filter, owners, onChange }: FilterProps) {
  const { t } = useTranslation("jobs");
  const { t: tc } = useTranslation();
  const [custom, setCustom] = useState(Boolean(filter.from || filter.until));
  const toggle = (state: JobState) =>
    onChange({
      ...filter,
      states: filter.states.includes(state)
        ? filter.states.filter((one) => one !== state)
        : [...filter.states, state],
    });
  const choosePeriod = (period: string) => {
    setCustom(period === "custom");
    onChange({
      ...filter,
      period: period === "custom" ? "" : (period as Period | ""),
      ...(period === "custom" ? {} : { from: "", until: "" }),
    });
  };
  return (
    <search className="flex flex-wrap items-center gap-2 px-6 pb-3">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would want a legend that is seen */}
      <div role="group" aria-label={t("filter.states")} className="flex flex-wrap gap-1">
        {STATES.map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={filter.states.includes(state)}
            onClick={() => toggle(state)}
            className={clsx(
              "flex h-8 items-center gap-1.5 rounded-full border px-2.5",
              filter.states.includes(state)
                ? "border-accent bg-accent-soft font-medium"
                : "border-line-strong bg-surface text-ink-soft hover:bg-sunken",
            )}
          >
            <StateIcon state={state} className="size-3.5! animate-none!" />
            {tc(`state.${state}`)}
          </button>
        ))}
      </div>
      <TextFilter text={filter.text} onChange={(text) => onChange({ ...filter, text })} />
      <Select
        className="w-36!"
        aria-label={t("filter.owner")}
        value={filter.owner}
        onChange={(event) => onChange({ ...filter, owner: event.target.value })}
      >
        <option value="">{t("filter.everybody")}</option>
        {[...new Set([...owners, ...(filter.owner ? [filter.owner] : [])])].map((owner) => (
          <option key={owner}>{owner}</option>
        ))}
      </Select>
      <WorkflowFilter id={filter.workflow} onChange={(workflow) => onChange({ ...filter, workflow })} />
      <Select
        className="w-36!"
        aria-label={t("filter.time")}
        value={custom ? "custom" : filter.period}
        onChange={(event) => choosePeriod(event.target.value)}
      >
        <option value="">{t("filter.anyTime")}</option>
        {(Object.keys(PERIODS) as Period[]).map((period) => (
          <option key={period} value={period}>
            {t(`filter.${period}`)}
          </option>
        ))}
        <option value="custom">{t("filter.custom")}</option>
      </Select>
      {custom ? (
        <span className="flex items-center gap-1.5">
          <TextInput
            type="datetime-local"
            aria-label={t("filter.from")}
            value={filter.from}
            onChange={(event) => onChange({ ...filter, from: event.target.value })}
          />
          –
          <TextInput
            type="datetime-local"
            aria-label={t("filter.until")}
            value={filter.until}
            onChange={(event) => onChange({ ...filter, until: event.target.value })}
          />
        </span>
      ) : null}
      {isNarrowed(filter) ? (
        <Button
          kind="quiet"
          onClick={() => {
            setCustom(false);
            onChange(EMPTY);
          }}
        >
          <X aria-hidden className="size-4" />
          {t("filter.clear")}
        </Button>
      ) : null}
    </search>
  );
}

function WorkflowFilter({ id, onChange }: { id: string; onChange: (id: string) => void }) {
  const { t } = useTranslation("jobs");
  const { data: found = [] } = useQuery(workflowNamesQuery);
  const unlisted = id && !found.some((workflow) => workflow.id === id);
  return (
    <Select
      className="w-36!"
      aria-label={t("filter.workflow")}
      value={id}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{t("filter.anyWorkflow")}</option>
      {unlisted ? <option value={id}>{id.slice(0, 8)}</option> : null}
      {found.map((workflow) => (
        <option key={workflow.id} value={workflow.id}>
          {workflow.name}
        </option>
      ))}
    </Select>
  );
}

function TextFilter({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const { t } = useTranslation("jobs");
  const [typed, setTyped] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  const tell = useRef(onChange);
  tell.current = onChange;
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => tell.current(typed), PAUSE);
    return () => clearTimeout(timer);
  }, [typed, text]);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement &&
        event.target.closest("input,textarea,select,[contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  return (
    <div className="relative min-w-40 flex-1">
      <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-ink-faint" />
      <TextInput
        ref={input}
        type="search"
        className="pl-8!"
        aria-label={t("filter.text")}
        title={t("filter.text")}
        placeholder={t("filter.textHint")}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </div>
  );
}
