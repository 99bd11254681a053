/**
 * Flags from text to values, and the flags that several verbs share.
 *
 * A value that cannot be is refused with the flag, the value and the reason, before anything is
 * sent: the process ends with exit code 2. Most flags may also come from a GRAMME_… variable of the
 * environment; a flag that is given wins over it.
 */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Level } from "../core/requests.ts";
import { parseAddress } from "../socket/address.ts";

export const BASE_PORT_DEFAULT = 7400;
export const NODE_DEFAULT: string = `127.0.0.1:${BASE_PORT_DEFAULT}`;

/** A flag whose text becomes a number within bounds. */
export function integerIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is an integer from ${min} to ${max}.`);
  };
}

export function numberIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a number from ${min} to ${max}.`);
  };
}

/** How many owners: a number, or a word that means one for any number of replicas. */
export function level(text: string): Exclude<Level, "default"> {
  if (text === "one" || text === "quorum" || text === "all") return text;
  if (/^[0-9]{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 16) return Number(text);
  throw new InvalidArgumentError("It is one, quorum, all, or a number from 1 to 16.");
}

/** A flag that may be repeated, or given once with commas. */
export function addresses(text: string, before: readonly string[] | undefined): readonly string[] {
  const added = text.split(",").map((part) => part.trim());
  for (const address of added) {
    const parsed = parseAddress(address);
    if ("problem" in parsed) throw new InvalidArgumentError(`${capitalised(parsed.problem)}.`);
    if (parsed.port === 0) throw new InvalidArgumentError("Nobody can be reached at port 0.");
  }
  return [...(before ?? []), ...added];
}

/** What every verb that talks to a cluster has. */
export interface ClusterFlags {
  readonly node?: readonly string[];
  readonly timeout?: number;
  readonly json?: true;
}

export function clusterFlags(command: Command): Command {
  return command
    .addOption(
      new Option("-n, --node <host:port>", `who to ask, may be repeated; else ${NODE_DEFAULT}`)
        .env("GRAMME_NODE")
        .argParser(addresses),
    )
    .addOption(
      new Option("-t, --timeout <ms>", "for the whole request, instead of the node's own limit")
        .env("GRAMME_TIMEOUT")
        .argParser(integerIn(1, 600_000)),
    )
    .option("--json", "print one JSON document");
}

export function nodesOf(flags: ClusterFlags): readonly string[] {
  return flags.node ?? [NODE_DEFAULT];
}

/** Adds worked examples below the help of a verb. */
export function examples(command: Command, lines: readonly (readonly [string, string])[]): Command {
  const wide = Math.max(...lines.map(([example]) => example.length));
  const text = lines.map(([example, what]) => `  $ ${example.padEnd(wide)}   ${what}`.trimEnd());
  return command.addHelpText("after", `\nExamples:\n${text.join("\n")}`);
}

/** The first letter of a sentence that began as a clause. */
export function capitalised(clause: string): string {
  return `${clause.slice(0, 1).toUpperCase()}${clause.slice(1)}`;
}
