// The one table that a run ends with: for the terminal, as markdown for pasting, and as JSON.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, readable } from "./stats.mjs";

/** Collects rows. Every row is one figure; most are compared with another figure of the same run. */
export class Report {
  rows = [];
  #group = "";

  /** The rows that follow belong together. */
  group(name) {
    this.#group = name;
  }

  /**
   * Adds a figure.
   *
   * @param {string} what
   * @param {number[]} figures one of each repetition
   * @param {string} unit
   * @param {object} [more]
   * @param {string} [more.note]
   * @param {{ratio: number, to: string, goal?: number, least?: boolean}} [more.against] `goal` is the most that the ratio should be,
   *   with `least` the least
   * @param {{figure: number, least?: boolean}} [more.goal] for the figure itself
   */
  add(what, figures, unit, { note = "", against, goal } = {}) {
    const [low, middle, high] = [Math.min(...figures), median(figures), Math.max(...figures)];
    const wanted = goal ?? (against?.goal === undefined ? undefined : { figure: against.goal, least: against.least });
    const had = goal ? middle : against?.ratio;
    const reached = wanted && (wanted.least ? had >= wanted.figure : had <= wanted.figure);
    const row = { group: this.#group, what, unit, median: middle, min: low, max: high, repeats: figures.length, note };
    Object.assign(row, { ratio: against?.ratio, to: against?.to, goal: wanted, reached });
    this.rows.push(row);
    console.log(`  ${what}: ${readable(middle)} ${unit}${against ? `, ${readable(against.ratio)} × ${against.to}` : ""}`);
  }

  #cells() {
    return this.rows.map((row) => [
      row.what,
      `${readable(row.median)} ${row.unit}`,
      row.repeats > 1 ? `${readable(row.min)} … ${readable(row.max)}` : "",
      row.ratio === undefined ? "" : `${readable(row.ratio)} × ${row.to}`,
      row.goal === undefined ? "" : `${row.goal.least ? "≥" : "≤"} ${readable(row.goal.figure)}: ${row.reached ? "reached" : "missed"}`,
      row.note,
    ]);
  }

  #head = ["what", "median", "range", "ratio", "goal", "note"];

  #groups() {
    return [...new Set(this.rows.map(({ group }) => group))];
  }

  /** For the terminal. */
  text() {
    const cells = this.#cells();
    const widths = this.#head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column].length)));
    const line = (row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd();
    const rule = widths.map((width) => "─".repeat(width)).join("  ");
    const parts = this.#groups().flatMap((group) => [
      rule,
      group,
      ...cells.filter((_, index) => this.rows[index].group === group).map((row) => line([`  ${row[0]}`.padEnd(widths[0] + 2), ...row.slice(1)])),
    ]);
    return [`  ${line(this.#head)}`, ...parts].join("\n");
  }

  /** For pasting into a report. */
  markdown(facts) {
    const line = (row) => `| ${row.join(" | ")} |`;
    const cells = this.#cells();
    const parts = this.#groups().map((group) => {
      const rows = cells.filter((_, index) => this.rows[index].group === group);
      return [`\n**${group}**\n`, line(this.#head), line(this.#head.map(() => "---")), ...rows.map(line)].join("\n");
    });
    return `${Object.entries(facts).map(([name, fact]) => `${name}: ${fact}`).join(" · ")}\n${parts.join("\n")}\n`;
  }

  /** Writes both kinds of file and returns their paths. */
  write(folder, facts) {
    mkdirSync(folder, { recursive: true });
    const [json, markdown] = [join(folder, "latest.json"), join(folder, "latest.md")];
    writeFileSync(json, `${JSON.stringify({ facts, rows: this.rows }, null, 2)}\n`);
    writeFileSync(markdown, this.markdown(facts));
    return [json, markdown];
  }
}
