/** A big number with its unit and what it is. */
import { element, setText } from "./element.ts";
import type { Quantity } from "./format-quantity.ts";

/** A tile of one or more numbers under one label. */
export class StatTile {
  readonly element: HTMLElement;
  readonly #numbers: readonly { readonly value: HTMLElement; readonly unit: HTMLElement }[];
  readonly #note: HTMLElement;

  /** `colour` names a colour of the style sheet; `parts` name the numbers when there are several. */
  constructor(label: string, colour?: string, parts: readonly string[] = [""]) {
    const numbers = parts.map((part) => ({ part, value: element("span", { class: "number" }), unit: element("span") }));
    this.#numbers = numbers;
    this.#note = element("p", { class: "note" });
    const heading = element("h2", {}, label);
    if (colour !== undefined) heading.prepend(element("span", { class: `swatch ${colour}`, "aria-hidden": "true" }));
    this.element = element(
      "section",
      { class: parts.length > 1 ? "tile wide" : "tile" },
      heading,
      element(
        "div",
        { class: "numbers" },
        ...numbers.map(({ part, value, unit }) => {
          unit.className = "unit";
          const names = part === "" ? [] : [element("span", { class: "part" }, part)];
          return element("p", {}, ...names, value, " ", unit);
        }),
      ),
      this.#note,
    );
  }

  /** Shows numbers, in the order of the parts, and a line below them. */
  update(quantities: readonly Quantity[], note = ""): void {
    for (const [index, { value, unit }] of quantities.entries()) {
      const place = this.#numbers[index];
      if (place === undefined) continue;
      setText(place.value, value);
      setText(place.unit, unit);
    }
    setText(this.#note, note);
  }
}
