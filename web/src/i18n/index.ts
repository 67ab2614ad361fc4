/** Both languages, complete; `check.test.ts` compares their keys. Numbers and dates go by the language too. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import enCanvas from "./en/canvas.json";
import enCharts from "./en/charts.json";
import enCommon from "./en/common.json";
import enFields from "./en/fields.json";
import enJobs from "./en/jobs.json";
import enLogs from "./en/logs.json";
import enRuns from "./en/runs.json";
import enSettings from "./en/settings.json";
import enWorkers from "./en/workers.json";
import enWorkflows from "./en/workflows.json";
import zhCanvas from "./zh/canvas.json";
import zhCharts from "./zh/charts.json";
import zhCommon from "./zh/common.json";
import zhFields from "./zh/fields.json";
import zhJobs from "./zh/jobs.json";
import zhLogs from "./zh/logs.json";
import zhRuns from "./zh/runs.json";
import zhSettings from "./zh/settings.json";
import zhWorkers from "./zh/workers.json";
import zhWorkflows from "./zh/workflows.json";

export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

const en = {
  common: enCommon,
  canvas: enCanvas,
  charts: enCharts,
  fields: enFields,
  jobs: enJobs,
  logs: enLogs,
  runs: enRuns,
  workflows: enWorkflows,
  workers: enWorkers,
  settings: enSettings,
};
const zh: { [Namespace in keyof typeof en]: object } = {
  common: zhCommon,
  canvas: zhCanvas,
  charts: zhCharts,
  fields: zhFields,
  jobs: zhJobs,
  logs: zhLogs,
  runs: zhRuns,
  workflows: zhWorkflows,
  workers: zhWorkers,
  settings: zhSettings,
};

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: typeof en;
  }
}

const KEY = "torchyard.language";

function preferred(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function setLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
  void i18next.changeLanguage(language);
}

export function language(): Language {
  return i18next.language === "zh" ? "zh" : "en";
}

i18next.on("languageChanged", (now) => {
  document.documentElement.lang = now === "zh" ? "zh-CN" : "en";
});
void i18next.use(initReactI18next).init({
  lng: preferred(),
  fallbackLng: "en",
  resources: { en, zh },
  defaultNS: "common",
  interpolation: { escapeValue: false }, // React escapes
});
