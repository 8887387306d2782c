/** What every chart of the page has: a title, a legend, a text for those who do not see it, and a table on demand. */
import { DataTable, type TableColumn, type TableRow } from "./data-table.ts";
import { element, setText } from "./element.ts";

/** The columns of a chart's table, and its rows now. */
export interface PlotTable {
  readonly columns: readonly TableColumn[];
  readonly rows: () => readonly TableRow[];
}

/** A figure around a canvas. */
export class PlotFrame {
  readonly element: HTMLElement;
  /** Where the chart is drawn; a screen reader is told of an image. */
  readonly canvasPlace: HTMLElement;
  readonly legend: HTMLElement;

  constructor(title: string, table: PlotTable) {
    this.canvasPlace = element("div", { class: "plot", role: "img", "aria-label": title });
    this.legend = element("div", { class: "legend" });
    const dataTable = new DataTable(title, table.columns);
    const details = element(
      "details",
      {},
      element("summary", {}, "Table", element("span", { class: "visually-hidden" }, `: ${title}`)),
      element(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, table` },
        dataTable.element,
      ),
    );
    // Filled when it is opened and left alone while it is read.
    details.addEventListener("toggle", () => dataTable.update(details.open ? table.rows() : []));
    const heading = element("h2", {}, title);
    this.element = element(
      "figure",
      { class: "card" },
      element("figcaption", {}, heading, this.legend),
      this.canvasPlace,
      details,
    );
  }

  /** What the chart shows, in words. */
  describe(text: string): void {
    if (this.canvasPlace.getAttribute("aria-label") !== text) this.canvasPlace.setAttribute("aria-label", text);
  }
}

/** An entry of a legend: a colour, a name and a value that changes. */
export class LegendEntry {
  readonly element: HTMLElement;
  readonly #value: HTMLElement;

  constructor(colour: string, label: string) {
    this.#value = element("span", { class: "legend-value" });
    const swatch = element("span", { class: `swatch ${colour}`, "aria-hidden": "true" });
    this.element = element("span", { class: "legend-entry" }, swatch, `${label} `, this.#value);
  }

  /** Shows a value. */
  update(value: string): void {
    setText(this.#value, value);
  }
}
