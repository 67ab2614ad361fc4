/** What holds for all curves: the axis, the scale, and whether some are hidden. */
import { useTranslation } from "react-i18next";
import { type Across, useView } from "./look";

const CHOICES: readonly { across: Across; label: "byStep" | "byTime" }[] = [
  { across: "step", label: "byStep" },
  { across: "time", label: "byTime" },
];

export function Controls({ names, hint }: { names: readonly string[]; hint: string }) {
  const { t } = useTranslation("charts");
  const { across, log, hidden, show } = useView();
  const some = names.some((name) => hidden.includes(name));
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs">
      <fieldset className="flex items-center gap-3">
        <legend className="sr-only">{t("axis")}</legend>
        {CHOICES.map((choice) => (
          <label key={choice.across} className="flex items-center gap-1.5">
            <input
              type="radio"
              name="charts-across"
              className="accent-(--accent)"
              checked={across === choice.across}
              onChange={() => show({ across: choice.across })}
            />
            {t(choice.label)}
          </label>
        ))}
      </fieldset>
      <label className="flex items-center gap-1.5">
        <input
          type="checkbox"
          className="accent-(--accent)"
          checked={log}
          onChange={(event) => show({ log: event.target.checked })}
        />
        {t("log")}
      </label>
      {some ? (
        <button
          type="button"
          className="text-accent underline"
          onClick={() => show({ hidden: hidden.filter((name) => !names.includes(name)) })}
        >
          {t("showAll")}
        </button>
      ) : null}
      <span className="ml-auto text-ink-faint">{hint}</span>
    </div>
  );
}
