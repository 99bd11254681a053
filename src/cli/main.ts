#!/usr/bin/env node
/**
 * `gramme`: the table of its verbs, and how each of them ends.
 *
 * A verb is a file that describes its flags and runs. Only the one that is asked for is loaded: to
 * put a value takes no simulator. The process ends by itself when nothing is left to do, with the
 * exit code that was set, so that no output is ever cut off by leaving.
 */
import { Command, CommanderError } from "commander";
import { VERSION } from "../host/version.ts";
import { EXIT } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { capitalised } from "./flags.ts";

type Describe = (command: Command) => void;

interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Describe>;
}

const VERBS: readonly Verb[] = [
  {
    name: "dev",
    summary: "a whole cluster on this machine, to try things",
    load: async () => (await import("./dev.ts")).describeDev,
  },
  {
    name: "start",
    summary: "one node of a cluster, in the foreground",
    load: async () => (await import("./start.ts")).describeStart,
  },
  {
    name: "put",
    summary: "store a value",
    load: async () => (await import("./key-verbs.ts")).describePut,
  },
  {
    name: "get",
    summary: "read a value, with its siblings if there are several",
    load: async () => (await import("./key-verbs.ts")).describeGet,
  },
  {
    name: "delete",
    summary: "delete a key",
    load: async () => (await import("./key-verbs.ts")).describeDelete,
  },
  {
    name: "batch",
    summary: "store many values",
    load: async () => (await import("./batch.ts")).describeBatch,
  },
  {
    name: "status",
    summary: "how every node is",
    load: async () => (await import("./status.ts")).describeStatus,
  },
  {
    name: "ring",
    summary: "who owns what, and how evenly",
    load: async () => (await import("./ring.ts")).describeRing,
  },
  {
    name: "hints",
    summary: "what nodes keep for owners that are away",
    load: async () => (await import("./hints.ts")).describeHints,
  },
  {
    name: "repair",
    summary: "let owners compare what they hold, now",
    load: async () => (await import("./repair.ts")).describeRepair,
  },
  {
    name: "inspect",
    summary: "what lies in the data directory of a stopped node",
    load: async () => (await import("./inspect.ts")).describeInspect,
  },
  {
    name: "backup",
    summary: "all that a running cluster stores, into a directory",
    load: async () => (await import("./backup.ts")).describeBackup,
  },
  {
    name: "verify",
    summary: "read a backup, and say whether it is as it was written",
    load: async () => (await import("./verify.ts")).describeVerify,
  },
  {
    name: "restore",
    summary: "a backup into a running cluster, of whatever size",
    load: async () => (await import("./restore.ts")).describeRestore,
  },
  {
    name: "bench",
    summary: "load a cluster and measure it",
    load: async () => (await import("./bench.ts")).describeBench,
  },
  {
    name: "sim",
    summary: "simulate clusters in trouble, and judge what they did",
    load: async () => (await import("./sim.ts")).describeSim,
  },
];

const OVERVIEW = `
Exit codes: 0 done, 1 not found, 2 wrong usage, 3 unavailable, 4 outcome unknown,
5 a directory cannot be used, 6 damage was found.

To begin:
  $ gramme dev                    three nodes on this machine
  $ gramme put greeting hello     in another terminal
  $ gramme get greeting`;

async function main(words: readonly string[]): Promise<void> {
  const program = new Command("gramme")
    .description("Gramme: a leaderless, always-writable, replicated key-value store.")
    .version(VERSION, "-v, --version", "print the version")
    .helpCommand("help [verb]", "explain a verb")
    .addHelpText("after", OVERVIEW)
    .exitOverride();
  const asked = words.find((word) => VERBS.some(({ name }) => name === word));
  for (const { name, summary, load } of VERBS) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${capitalised(summary)}.`);
    if (name === asked) (await load())(command);
  }
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    } else {
      const verb = program.commands.find((command) => command.name() === asked);
      process.exitCode = reportFailure(error, verb?.opts()["json"] === true);
    }
  }
}

/** Whoever reads our output may stop reading, as in `gramme status | head -1`: that is no error. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.stderr.on("error", () => {});

await main(process.argv.slice(2));
