/**
 * The shape of a file: how long, how wide, how named, and what it opens with. The length of
 * functions is the linter's, which has a parser.
 */
import { isTest, type Finding } from "./finding.ts";
import { lineOf, type SourceText } from "./source-text.ts";

export const FILE_LINES_MAX = 500;
export const COLUMNS_MAX = 100;

const DRAWERS = new Set("util utils helper helpers types manager common misc".split(" "));

export function findLongFile(source: SourceText): Finding[] {
  const lines = source.text.trimEnd().split("\n").length;
  if (lines <= FILE_LINES_MAX || isTest(source.path)) return [];
  const message = `${lines} lines, and ${FILE_LINES_MAX} is the most: is there a second noun?`;
  return [{ path: source.path, line: FILE_LINES_MAX + 1, message }];
}

export function findLongLines(source: SourceText): Finding[] {
  const text = isTest(source.path) ? withoutStrings(source) : source.text;
  return text.split("\n").flatMap((line, index) => {
    // An address cannot be broken, so it does not count.
    const columns = Array.from(line.replace(/\bhttps?:\/\/\S+/g, "")).length;
    if (columns <= COLUMNS_MAX) return [];
    const message = `${columns} columns, and ${COLUMNS_MAX} is the most`;
    return [{ path: source.path, line: index + 1, message }];
  });
}

/** The name of a test and a vector from a standard are as long as they are. */
function withoutStrings({ text, code, comments }: SourceText): string {
  const shown = (char: string, at: number): boolean => char === code[at] || char === comments[at];
  return text.split("").filter(shown).join("");
}

export function findMissingOpening(source: SourceText): Finding[] {
  if (!source.path.startsWith("src/") || isTest(source.path)) return [];
  const body = source.text.replace(/^#!.*\n/, "");
  if (/^\/\*\*|^\/\/ ?\S/.test(body)) return [];
  const message = "opens without a comment: what is this, which rule does it uphold, and why?";
  return [{ path: source.path, line: 1, message }];
}

export function findDefaultExport(source: SourceText): Finding[] {
  return matches(source, source.code, /\bexport\s+default\b|\bas\s+default\b/g, () => {
    return "a default export has no name of its own: export the thing by name";
  });
}

export function findBadName(source: SourceText): Finding[] {
  const parts = source.path.replace(/(\.test)?\.ts$/, "").split("/");
  return parts.flatMap((part) => {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part)) {
      return [{ path: source.path, line: 1, message: `"${part}" is not kebab-case` }];
    }
    const drawer = part.split("-").find((word) => DRAWERS.has(word));
    if (drawer === undefined) return [];
    const message = `"${drawer}" is a drawer: name the file after the one noun it holds`;
    return [{ path: source.path, line: 1, message }];
  });
}

export function findUnfinished(source: SourceText): Finding[] {
  return matches(source, source.comments, /\b(?:TODO|FIXME|XXX|HACK)\b/g, (word) => {
    return `${word}: finish it, or write down in docs/ what is not done and why`;
  });
}

export function findNarrowedTests(source: SourceText): Finding[] {
  if (!isTest(source.path) && !source.path.startsWith("test/")) return [];
  return matches(
    source,
    source.code,
    /\b(?:test|it|describe|suite)\s*\.\s*(?:only|skip|todo)\b/g,
    (call) => {
      return `${call}: every test runs; one that cannot here says so with t.skip("reason")`;
    },
  );
}

function matches(
  source: SourceText,
  view: string,
  pattern: RegExp,
  explain: (match: string) => string,
): Finding[] {
  return [...view.matchAll(pattern)].map((match) => ({
    path: source.path,
    line: lineOf(view, match.index),
    message: explain(match[0]),
  }));
}
