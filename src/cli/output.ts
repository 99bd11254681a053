/**
 * What the command line says, and where: answers on stdout, everything about them on stderr, so
 * that `gramme get key > file` holds the value and nothing else.
 *
 * Colour is an extra for people. It is left out when the stream is no terminal, when NO_COLOR is
 * set, or when the terminal has none; no meaning hangs on it. FORCE_COLOR asks for it regardless.
 */
import { styleText, stripVTControlCharacters } from "node:util";

export type Style = Parameters<typeof styleText>[0];
type Stream = NodeJS.WriteStream;

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One document on one line: what stands between two line breaks can be parsed. */
export function printJson(document: unknown): void {
  print(JSON.stringify(document));
}

export function remark(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function remarkError(message: string, hint = ""): void {
  remark(`${paint("red", "error:", process.stderr)} ${message}`);
  if (hint !== "") remark(`${paint("cyan", "hint:", process.stderr)}  ${hint}`);
}

export function paint(style: Style, text: string, stream: Stream = process.stdout): string {
  return hasColour(stream) ? styleText(style, text, { validateStream: false }) : text;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of numbers: their last digits stand below each other. */
  readonly right?: readonly string[];
}

/** Columns as wide as they need, two spaces apart. Cells may be painted. */
export function table({ head, rows, right = [] }: Table): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => width(row[column] ?? ""))),
  );
  const lineOf = (cells: readonly string[]): string =>
    head
      .map((title, column) => {
        const cell = cells[column] ?? "";
        const padding = " ".repeat(widths[column]! - width(cell));
        return right.includes(title) ? padding + cell : cell + padding;
      })
      .join("  ")
      .trimEnd();
  return [paint("bold", lineOf(head)), ...rows.map(lineOf)].join("\n");
}

/** A number of bytes, as people say it: 999 B, 1.5 kB, 2.0 GB. */
export function showBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1_000 && unit < units.length - 1) {
    amount /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`;
}

/** A stretch of time in its two largest units: 850 ms, 12 s, 3 min 20 s, 2 h 5 min, 4 d 1 h. */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor(minutes / 60) % 24} h`;
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

function hasColour(stream: Stream): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "0") return true;
  return stream.isTTY && stream.hasColors();
}
