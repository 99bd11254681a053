/**
 * `gramme batch`: many puts, each for itself. A batch is no transaction: what failed is reported by
 * key, and the rest is stored.
 *
 *     gramme batch a 1 b 2 c 3         pairs
 *     gramme batch - < lines           one document a line, {"key": …, "value": …}
 *
 * So many are under way at a time; the others wait for their turn here, not in the cluster.
 */
import type { Command } from "commander";
import type { RemoteClient } from "../client/remote-client.ts";
import { utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import { ask, withCluster } from "./cluster.ts";
import { CommandError, EXIT, type ExitCode } from "./exit-codes.ts";
import { errorDocument, exitCodeOfError } from "./failure.ts";
import { examples } from "./flags.ts";
import { readInput } from "./input.ts";
import { print, printJson, remarkError } from "./output.ts";
import { requestFlags, requestOf, type RequestFlags } from "./request-flags.ts";

interface Pair {
  readonly key: string;
  readonly value: string;
}

interface PairFailure {
  readonly key: string;
  readonly error: unknown;
}

const IN_FLIGHT_MAX = 64;
/** Failures that are told one by one: a cluster that is gone fails thousands in the same way. */
const TOLD_MAX = 10;

export function describeBatch(command: Command): void {
  requestFlags(
    command.argument("<key value...>", "pairs; - for one JSON document a line on stdin"),
  );
  examples(command, [
    ["gramme batch a 1 b 2 c 3", ""],
    ["gramme batch - < lines", 'lines like {"key":"a","value":"1"}'],
  ]);
  command.action(async (words: readonly string[], flags: RequestFlags) => {
    const pairs = words.length === 1 && words[0] === "-" ? await linesOfInput() : pairsOf(words);
    const requests = pairs.map(({ key, value }) => ({
      key,
      request: requestOf("put", flags, { key, value: utf8Encode(value) }),
    }));
    await withCluster(flags, async (client) => {
      const startedAt = performance.now();
      const failures = await putAll(client, requests);
      report(flags, { count: pairs.length, failures, elapsedMs: performance.now() - startedAt });
    });
  });
}

async function putAll(
  client: RemoteClient,
  requests: readonly { readonly key: string; readonly request: ReturnType<typeof requestOf> }[],
): Promise<readonly PairFailure[]> {
  const failures: PairFailure[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests.length) {
      const { key, request } = requests[next++]!;
      try {
        await ask(client, request);
      } catch (error) {
        failures.push({ key, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT_MAX, requests.length) }, worker));
  return failures;
}

function report(
  flags: RequestFlags,
  batch: {
    readonly count: number;
    readonly failures: readonly PairFailure[];
    readonly elapsedMs: number;
  },
): void {
  const { count, failures, elapsedMs } = batch;
  const stored = count - failures.length;
  process.exitCode = worst(failures);
  if (flags.json) {
    const errors = failures.map(({ key, error }) => ({ key, ...errorDocument(error) }));
    const ms = Math.round(elapsedMs * 1_000) / 1_000;
    return printJson({ stored, failed: failures.length, errors, elapsedMs: ms });
  }
  for (const { key, error } of failures.slice(0, TOLD_MAX)) {
    remarkError(`${JSON.stringify(key)}: ${errorDocument(error).message}`);
  }
  if (failures.length > TOLD_MAX) remarkError(`and ${failures.length - TOLD_MAX} more`);
  print(`stored ${stored} of ${count}`);
}

/**
 * Unknown outweighs unavailable, which outweighs refused: it is what the caller must look after.
 */
function worst(failures: readonly PairFailure[]): ExitCode {
  const codes = new Set(failures.map(({ error }) => exitCodeOfError(error)));
  const gravest = [EXIT.bug, EXIT.unknownOutcome, EXIT.unavailable, EXIT.usage];
  return gravest.find((code) => codes.has(code)) ?? EXIT.ok;
}

function pairsOf(words: readonly string[]): readonly Pair[] {
  if (words.length % 2 !== 0) {
    const last = JSON.stringify(words.at(-1));
    throw new CommandError(EXIT.usage, `keys and values come in pairs, ${last} has no value`);
  }
  const pairs: Pair[] = [];
  for (let at = 0; at < words.length; at += 2) {
    pairs.push({ key: words[at]!, value: words[at + 1]! });
  }
  return pairs;
}

async function linesOfInput(): Promise<readonly Pair[]> {
  const text = utf8Decode(await readInput());
  if (text === undefined) throw new CommandError(EXIT.usage, "the input is not UTF-8");
  return text
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [pairOf(line, index)]));
}

function pairOf(line: string, index: number): Pair {
  const { key, value } = parsed(line) as { readonly key?: unknown; readonly value?: unknown };
  if (typeof key === "string" && typeof value === "string") return { key, value };
  const message = `line ${index + 1} is no {"key": text, "value": text}`;
  throw new CommandError(EXIT.usage, `${message}, got ${line.slice(0, 80)}`);
}

function parsed(line: string): object {
  try {
    return Object(JSON.parse(line)) as object;
  } catch {
    return {};
  }
}
