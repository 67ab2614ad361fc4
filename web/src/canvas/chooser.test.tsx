import { act } from "react";
import { createRoot } from "react-dom/client";
import { beforeEach, expect, test, vi } from "vitest";
import { useChooser } from "./useChooser";

const CHOICES = ["apple", "pear", "plum"].map((id) => ({ id }));
const take = vi.fn();

function Fruits() {
  const { found, input, list, option } = useChooser({
    name: "fruit",
    find: (text) => CHOICES.filter(({ id }) => id.includes(text)),
    take,
  });
  return (
    <>
      <input {...input} />
      <div {...list("fruits")}>
        {found.map((choice, number) => (
          <div key={choice.id} {...option(choice, number)} />
        ))}
      </div>
    </>
  );
}

const root = () => document.querySelector("main") as HTMLElement;
const input = () => root().querySelector("input") as HTMLInputElement;
const chosen = () => [...root().querySelectorAll("[aria-selected=true]")].map((element) => element.id);

function press(...keys: string[]): void {
  for (const key of keys) {
    act(() => void input().dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
  }
}

function type(text: string): void {
  const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value") ?? {};
  act(() => {
    set?.call(input(), text);
    input().dispatchEvent(new Event("input", { bubbles: true }));
  });
}

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  document.body.innerHTML = "<main></main>";
  const mounted = createRoot(root());
  act(() => mounted.render(<Fruits />));
  return () => {
    act(() => mounted.unmount());
    vi.unstubAllGlobals();
    take.mockReset();
  };
});

test("the first one is chosen, and arrows walk round and round", () => {
  expect(chosen()).toEqual(["fruit-apple"]);
  press("ArrowUp");
  expect(chosen()).toEqual(["fruit-plum"]);
  press("ArrowDown", "ArrowDown");
  expect(chosen()).toEqual(["fruit-pear"]);
  expect(input().getAttribute("aria-activedescendant")).toBe("fruit-pear");
});

test("Enter takes what is chosen among those found", () => {
  type("p");
  press("ArrowDown", "ArrowDown");
  type("pea");
  expect(chosen()).toEqual(["fruit-pear"]);
  press("Enter");
  expect(take).toHaveBeenCalledExactlyOnceWith({ id: "pear" });
});

test("where nothing is found arrows do no harm, and what is found next is chosen again", () => {
  type("kiwi");
  press("ArrowDown", "ArrowUp", "ArrowDown");
  expect(input().getAttribute("aria-activedescendant")).toBeNull();
  press("Enter");
  expect(take).toHaveBeenCalledExactlyOnceWith(undefined);
  type("plu");
  expect(chosen()).toEqual(["fruit-plum"]);
});

test("a click takes one, and the pointer chooses it", () => {
  const pear = document.getElementById("fruit-pear") as HTMLElement;
  act(() => void pear.dispatchEvent(new PointerEvent("pointermove", { bubbles: true })));
  expect(chosen()).toEqual(["fruit-pear"]);
  act(() => pear.click());
  expect(take).toHaveBeenCalledExactlyOnceWith({ id: "pear" });
});
