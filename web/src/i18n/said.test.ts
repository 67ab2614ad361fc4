import i18next from "i18next";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ApiProblem } from "@/api/client";
import { eventOf, faultOf, fieldOf, hintOf, messageOf, sentenceOf, waitOf } from "./said";

beforeEach(async () => {
  await i18next.changeLanguage("zh");
});
afterEach(async () => {
  await i18next.changeLanguage("en");
});

const RAISED = {
  sentence: "The script raised ValueError: no rows at line 3 of train.py (exit code 1).",
  saying: {
    code: "script_raised",
    facts: {
      exception: "ValueError: no rows",
      where: { code: "at_line", facts: { line: 3, script: "train.py", exit_code: 1 } },
    },
  },
};

test("a sentence is said with what stands in it, sentences in it too", () => {
  expect(sentenceOf(RAISED)).toBe("脚本抛出异常（train.py 第 3 行，退出码 1）：ValueError: no rows。");
  const together = {
    code: "wait_short_together",
    facts: {
      amounts: [
        { code: "gpus", facts: { count: 2 } },
        { code: "memory", facts: { mb: 512 } },
      ],
    },
  };
  expect(waitOf({ explanation: "needs …", saying: together })).toBe(
    "需要同一台工作机上空闲 2 块 GPU、512 MiB 内存；目前没有一台全部空闲",
  );
});

test("why a node ran names the fields in words, unknown ones as they are", () => {
  const changed = { code: "part_environment", facts: { name: "KEY" } };
  const parts = [{ code: "part_script" }, changed, "of_tomorrow", { code: "more", facts: { count: 2 } }];
  expect(sentenceOf({ sentence: "Ran …", saying: { code: "why_changed", facts: { parts } } })).toBe(
    "已运行：脚本、环境变量 KEY、of_tomorrow、另外 2 项有变化。",
  );
  expect(fieldOf({ field: "environment.KEY", saying: changed })).toBe("环境变量 KEY");
  expect(fieldOf({ field: "of_tomorrow", saying: null })).toBe("of_tomorrow");
});

test("an event is said with its state and its sentence", () => {
  const failed = { code: "state_failed", facts: {} };
  const saying = { code: "event_ended", facts: { state: failed, sentence: RAISED.saying } };
  expect(eventOf({ message: "failed: …", saying })).toBe(
    "失败：脚本抛出异常（train.py 第 3 行，退出码 1）：ValueError: no rows。",
  );
  expect(eventOf({ message: "staged 2 files" })).toBe("staged 2 files");
});

test("in English it is what the platform said", async () => {
  await i18next.changeLanguage("en");
  expect(sentenceOf(RAISED)).toBe(RAISED.sentence);
});

test("what is not known here stays English, as a whole", () => {
  const unknown = { ...RAISED, saying: { code: "of_tomorrow", facts: {} } };
  const lacking = { ...RAISED, saying: { code: "script_raised", facts: { exception: "E" } } };
  const inside = {
    ...RAISED,
    saying: { code: "script_raised", facts: { exception: "E", where: { code: "of_tomorrow" } } },
  };
  for (const one of [unknown, lacking, inside]) expect(sentenceOf(one)).toBe(RAISED.sentence);
  expect(sentenceOf({})).toBe("");
});

test("a problem is told by its saying, else by its code, and vague ones with the English", () => {
  const problem = (body: object) => new ApiProblem(422, { detail: "in English", hint: "do this", ...body });
  const saying = { code: "runtime_not_offered", facts: { runtime: "torch-3" } };
  expect(messageOf(problem({ code: "runtime_unknown", saying }))).toBe("没有工作机提供运行环境 torch-3");
  expect(messageOf(problem({ code: "job_not_found" }))).toBe("没有这个任务。");
  expect(messageOf(problem({ code: "archive_overlap" }))).toContain("in English");
  expect(messageOf(problem({ code: "of_tomorrow" }))).toBe("in English");
  expect(messageOf(new Error("plain"))).toBe("plain");
  expect(hintOf(problem({ code: "job_not_found" }))).toBeUndefined();
  const advice = { code: "hint_run_too", facts: { node: "make" } };
  expect(hintOf(problem({ code: "source_missing", hint_saying: advice }))).toBe("请把 make 也一起运行");
  expect(faultOf({ code: "graph_empty", message: "there is no node" })).toBe("没有可运行的节点。");
});
