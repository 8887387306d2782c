/** A table whose rows change in place: no flicker, and a reader's place in it stays. */
import { element, setText } from "./element.ts";

/** A column. */
export interface TableColumn {
  readonly header: string;
  /** `name`: may be very long and wraps anywhere; `number`: aligned to the right. */
  readonly kind: "name" | "text" | "number";
}

/** A row: its texts in the order of the columns, and how far its bar goes. */
export interface TableRow {
  readonly cells: readonly string[];
  /** From 0 to 1: a bar behind the first cell. */
  readonly share?: number;
}

/** A table with a caption. */
export class DataTable {
  readonly element: HTMLTableElement;
  readonly #columns: readonly TableColumn[];
  readonly #body: HTMLTableSectionElement;

  /** `className`: `bars` draws each row's share, `stacks` makes blocks of the rows on a narrow screen. */
  constructor(caption: string, columns: readonly TableColumn[], className = "") {
    this.#columns = columns;
    // The roles are said, because the narrow layout takes a table's display away and with it what it means.
    const headers = columns.map(({ header, kind }) =>
      element("th", { scope: "col", role: "columnheader", class: kind }, header),
    );
    this.#body = element("tbody", { role: "rowgroup" });
    this.element = element(
      "table",
      { role: "table", class: className },
      element("caption", { class: "visually-hidden" }, caption),
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...headers)),
      this.#body,
    );
  }

  /** Shows these rows and no others. */
  update(rows: readonly TableRow[]): void {
    while (this.#body.rows.length > rows.length) this.#body.deleteRow(-1);
    for (const [index, row] of rows.entries()) {
      const place = this.#body.rows.item(index) ?? this.#addRow();
      place.style.setProperty("--share", String(row.share ?? 0));
      for (const [column, text] of row.cells.entries()) {
        const cell = place.cells.item(column);
        if (cell === null) continue;
        if (this.#columns[column]?.kind !== "name") setText(cell, text);
        else setName(cell, text);
      }
    }
  }

  #addRow(): HTMLTableRowElement {
    const cells = this.#columns.map(({ header, kind }) =>
      element("td", { role: "cell", class: kind, "data-label": header }),
    );
    const row = element("tr", { role: "row" }, ...cells);
    this.#body.append(row);
    return row;
  }
}

/** A name may be hundreds of characters long: past some lines it is cut for the eye, and whole as the title. */
function setName(cell: HTMLTableCellElement, text: string): void {
  const name = cell.querySelector("span") ?? cell.appendChild(element("span", { class: "clamp" }));
  setText(name, text);
  name.title = text;
}
