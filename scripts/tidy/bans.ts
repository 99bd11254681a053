/**
 * Words that may not appear in the pure layers, each with what to write instead.
 *
 * The core and the simulator promise the same trace for the same seed in every JavaScript engine.
 * The compiler keeps the platform out, since those layers see no typings of it; what is left to ban
 * here is the part of the language itself that reads a clock, schedules, depends on garbage
 * collection, on the locale, or on the engine's libm.
 */
import type { Finding } from "./finding.ts";
import { isTest } from "./finding.ts";
import type { SourceText } from "./source-text.ts";
import { lineOf } from "./source-text.ts";

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
}

const TIME = "time is an argument: take `now: Instant`";
const INPUT = "inputs run to completion: record an effect and go on in the handler of its answer";
const COLLECTED = "what the garbage collector does differs from run to run: own the object's life";
const LOCALE = "answers depend on the locale: compare code units or bytes";
const ROUNDED = "engines round this differently: integers, or a table";

const PURE_BANS: readonly Ban[] = [
  { pattern: /\bDate\b/, instead: TIME },
  { pattern: /\bMath\s*\.\s*random\b/, instead: "use the seeded Random of core/base/random.ts" },
  { pattern: /\bPromise\b/, instead: INPUT },
  { pattern: /\basync\b/, instead: INPUT },
  { pattern: /\bawait\b/, instead: INPUT },
  { pattern: /\bSymbol\s*\.\s*asyncIterator\b/, instead: INPUT },
  { pattern: /\bAtomics\b|\bSharedArrayBuffer\b/, instead: "one node is one thread" },
  { pattern: /\bWeakRef\b|\bFinalizationRegistry\b/, instead: COLLECTED },
  { pattern: /\bIntl\b|\blocaleCompare\b|\btoLocale\w+/, instead: LOCALE },
  {
    pattern:
      /\bMath\s*\.\s*(?:log(?:2|10|1p)?|exp|expm1|pow|a?sinh?|a?cosh?|a?tanh?|atan2|cbrt|hypot)\b/,
    instead: ROUNDED,
  },
  {
    pattern: /(?<!\b\d[\d_]*\s*)\*\*|\*\*(?!=?\s*\d)/,
    instead: `${ROUNDED}; only literals may be raised`,
  },
  {
    pattern: /\bBuffer\b/,
    instead: "use Uint8Array, with the readers and writers of core/base/bytes.ts",
  },
  {
    pattern: /\bglobalThis\b|\beval\b|\bnew Function\b/,
    instead: "say what you need as an argument",
  },
];

export function findBannedWords(source: SourceText): Finding[] {
  if (!/^src\/(core|sim)\//.test(source.path) || isTest(source.path)) return [];
  return PURE_BANS.flatMap(({ pattern, instead }) =>
    [...source.code.matchAll(new RegExp(pattern, "g"))].map((match) => ({
      path: source.path,
      line: lineOf(source.code, match.index),
      message: `\`${match[0]}\` is banned in the pure layers; ${instead}`,
    })),
  );
}
