/** How many participants have which quality: one bar in the colours of the levels, and the counts beside their names. */
import { element, setText } from "./element.ts";
import { formatCount, formatRatio, quantityText } from "./format-quantity.ts";
import { QUALITY_LEVELS, type QualityCounts } from "./live-json.ts";

/** The bar with its legend. */
export class QualityBar {
  readonly element: HTMLElement;
  readonly #levels: readonly { readonly part: HTMLElement; readonly count: HTMLElement; readonly share: HTMLElement }[];

  constructor() {
    const bar = element("div", { class: "quality-bar", "aria-hidden": "true" });
    const list = element("ul", { class: "quality-list" });
    this.#levels = QUALITY_LEVELS.map((level) => {
      const part = element("span", { class: level });
      const count = element("strong");
      const share = element("span", { class: "legend-value" });
      bar.append(part);
      const swatch = element("span", { class: `swatch ${level}`, "aria-hidden": "true" });
      list.append(element("li", {}, swatch, element("span", { class: "level" }, level), " ", count, " ", share));
      return { part, count, share };
    });
    this.element = element("section", { class: "card" }, element("h2", {}, "Quality"), bar, list);
  }

  /** Shows these counts. */
  update(counts: QualityCounts): void {
    const total = QUALITY_LEVELS.reduce((sum, level) => sum + counts[level], 0);
    for (const [index, { part, count, share }] of this.#levels.entries()) {
      const participants = counts[QUALITY_LEVELS[index]!];
      part.style.flexGrow = String(participants);
      setText(count, quantityText(formatCount(participants)));
      setText(share, quantityText(formatRatio(total > 0 ? participants / total : 0)));
    }
  }
}
