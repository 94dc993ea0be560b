// What the book's tables can do in a browser: sort by a column, be saved as a
// CSV file, and scroll sideways by keyboard. No server and no network is needed.
"use strict";

const shownText = (cell) => cell.textContent.trim();

// A number at the start of a text: "81.2*", "12.3 (10.1 to 14.5), n = 500",
// "< 0.001", "1,273", a true minus sign. Anything else is not a number.
const NUMBER = /^[<>≤≥≈~]?\s*([+\-−]?)\s*(\d[\d,]*(?:\.\d+)?|\.\d+)(e[+-]?\d+)?/i;

function leadingNumber(text) {
  const found = NUMBER.exec(text);
  if (!found) return NaN;
  const size = Number(found[2].replaceAll(",", "") + (found[3] ?? ""));
  return ["-", "−"].includes(found[1]) ? -size : size;
}

// A column is one of numbers if more than half of its filled cells start with
// one; its other cells ("none") follow the numbers. Empty cells come last in
// both directions, and equal cells keep the order the table was written in.
function sortedRows(rows, column, sign) {
  const texts = new Map(rows.map((row) => [row, shownText(row.cells[column])]));
  const filled = [...texts.values()].filter(Boolean);
  const count = filled.filter((text) => !Number.isNaN(leadingNumber(text))).length;
  const numeric = 2 * count > filled.length;
  const place = (text) => (text === "" ? 2 : numeric && Number.isNaN(leadingNumber(text)) ? 1 : 0);
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  return rows.toSorted((first, second) => {
    const [a, b] = [texts.get(first), texts.get(second)];
    if (place(a) !== place(b)) return place(a) - place(b);
    if (place(a) > 0) return 0;
    return sign * (numeric ? leadingNumber(a) - leadingNumber(b) : order.compare(a, b));
  });
}

const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const direction = NEXT[head.getAttribute("aria-sort") ?? "none"];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction === "none") {
        body.append(...original);
      } else {
        head.setAttribute("aria-sort", direction);
        body.append(...sortedRows(original, column, direction === "ascending" ? 1 : -1));
      }
    });
  });
}

// A text that a spreadsheet would take for a formula gets an apostrophe; numbers do not.
function guarded(text) {
  const formula = /^\s*['=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text);
  return formula && !/^[+-]?[\d.,]+$/.test(text) ? `'${text}` : text;
}

// One line of a CSV file (RFC 4180); a cell that spans columns is repeated.
function csvLine(row) {
  const cells = [...row.cells].flatMap((cell) =>
    Array(cell.colSpan).fill(guarded(shownText(cell)))
  );
  const quoted = cells.map((text) =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  );
  return quoted.join(",") + "\r\n";
}

// The byte order mark tells spreadsheets that the file is UTF-8; pandas and
// readr skip it. Rows come in the order the table was written in.
function addDownload(table, after) {
  const name = `${table.id.replace(/^T_/, "") || "table"}.csv`;
  const link = document.createElement("a");
  link.textContent = "Download CSV";
  link.setAttribute("aria-label", `Download CSV: ${name}`);
  link.download = name;
  link.href =
    "data:text/csv;charset=utf-8," +
    encodeURIComponent("\ufeff" + [...table.rows].map(csvLine).join(""));
  const line = document.createElement("p");
  line.className = "table-download d-print-none";
  line.append(link);
  after.after(line);
}

// A table wider than the page scrolls in a box of its own. Only then is the
// box a stop of the Tab key, so that the arrow keys can move it.
function addScrolling(table) {
  const box = document.createElement("div");
  box.className = "table-scroll";
  table.replaceWith(box);
  box.append(table);
  const label = `Scrolls sideways: ${table.caption ? shownText(table.caption) : "table"}`;
  new ResizeObserver(() => {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", label);
    } else {
      ["tabindex", "role", "aria-label"].forEach((name) => box.removeAttribute(name));
    }
  }).observe(box);
  return box;
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table.dataframe").forEach((table) => {
    addDownload(table, addScrolling(table));
    if (table.classList.contains("sortable")) makeSortable(table);
  });
});
