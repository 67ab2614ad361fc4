import { ArrowDown, ArrowUp, CaseSensitive, LoaderCircle, Regex, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { formatCount } from "@/i18n/format";
import { messageOf } from "@/i18n/said";
import { IconButton } from "@/ui/Button";
import { TextInput } from "@/ui/Field";
import type { Search } from "./useSearch";

interface SearchBarProps {
  search: Search;
  onClose: () => void;
  autoFocus: boolean;
}

export function SearchBar({ search, onClose, autoFocus }: SearchBarProps) {
  const { t } = useTranslation("logs");
  const { query, setQuery, total, complete, busy, problem, number } = search;
  const count = () => {
    if (!query.pattern || total === undefined) return "";
    if (total === 0) return complete ? t("search.none") : t("search.searching");
    const all = complete
      ? formatCount(total)
      : t("search.atLeast", { count: total, shown: formatCount(total) });
    return number ? t("search.count", { number: formatCount(number), total: all }) : all;
  };
  return (
    <search className="flex flex-wrap items-center gap-1 border-line border-b bg-surface px-2 py-1">
      <TextInput
        autoFocus={autoFocus}
        className="h-7! w-64! font-mono text-xs"
        aria-label={t("search.label")}
        placeholder={t("search.label")}
        aria-invalid={Boolean(problem)}
        value={query.pattern}
        spellCheck={false}
        maxLength={1000}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => setQuery({ ...query, pattern: event.target.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter") search.go(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") onClose();
        }}
      />
      <IconButton
        label={t("search.case")}
        aria-pressed={query.case}
        className="h-7! aria-pressed:bg-accent-soft aria-pressed:text-accent"
        onClick={() => setQuery({ ...query, case: !query.case })}
      >
        <CaseSensitive aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("search.regex")}
        aria-pressed={query.regex}
        className="h-7! aria-pressed:bg-accent-soft aria-pressed:text-accent"
        onClick={() => setQuery({ ...query, regex: !query.regex })}
      >
        <Regex aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("search.previous")}
        shortcut="N"
        className="h-7!"
        disabled={!total}
        onClick={() => search.go(-1)}
      >
        <ArrowUp aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t("search.next")}
        shortcut="n"
        className="h-7!"
        disabled={!total}
        onClick={() => search.go(1)}
      >
        <ArrowDown aria-hidden className="size-4" />
      </IconButton>
      <span role="status" className="flex min-w-24 items-center gap-1.5 px-1 text-ink-soft tabular-nums">
        {busy ? <LoaderCircle aria-hidden className="size-3.5 animate-spin" /> : null}
        {problem ? <span className="text-danger">{messageOf(problem)}</span> : count()}
      </span>
      <IconButton label={t("search.close")} shortcut="Esc" className="ml-auto h-7!" onClick={onClose}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </search>
  );
}
