/**
 * `gramme inspect`: what lies in the data directory of a node that does not run. It takes the lock
 * of the directory, so that no node starts meanwhile, and changes nothing; only `--accept-losses
 * --yes` writes, and says before what that means.
 */
import type { Command } from "commander";
import type { DataDirectory } from "../disk/data-directory.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { examples, integerIn } from "./flags.ts";
import { documentOf, type StoreDocument } from "./inspect-document.ts";
import { acceptLossesIn } from "./inspect-losses.ts";
import { LOSS_MEANS, printReport } from "./inspect-report.ts";
import { inspectStore, type OnChecked, withDirectory } from "./inspect-store.ts";
import { print, printJson, remark } from "./output.ts";
import { Progress } from "./progress.ts";

interface InspectFlags {
  readonly check?: true;
  readonly keys?: true;
  readonly limit: number;
  readonly acceptLosses?: true;
  readonly yes?: true;
  readonly json?: true;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000_000_000;
const MIB = 1024 * 1024;

const MORE_HELP = `
The node must be stopped: a running one has the lock of its directory. Nothing is changed but by
--accept-losses.

What it tells:
  live      what compaction would keep; the rest was replaced by later records
  damaged   the key is known and its row is not: never answered as "not found"
  torn      the end of a write that was under way at a crash
  lost      records that nobody can read, their keys unknown:
            ${LOSS_MEANS}

Exit codes: 0 nothing is damaged, 5 the directory cannot be used, 6 damage was found.`;

const ACCEPTING = `To accept the losses means:
  what is left is the truth from now on: a key whose newest record was lost reads as it was
  before, or as not found, and a deleted one may be back;
  rows whose keys are known to be damaged stay damaged.
Where other owners have the rows, give the node an empty directory instead, and let them repair
it. There is no way back: copy the directory first.`;

export function describeInspect(command: Command): void {
  command
    .argument("<dir>", "the data directory of a node, its --dir")
    .option("--check", "read and verify every record")
    .option("--keys", "list the keys, by partition")
    .option("--limit <count>", "of the keys, no more", integerIn(1, LIMIT_MAX), LIMIT_DEFAULT)
    .option("--accept-losses", "make what is left readable where records are lost; needs --yes")
    .option("--yes", "yes, accept the losses")
    .option("--json", "print one JSON document")
    .addHelpText("after", MORE_HELP);
  examples(command, [
    ["gramme inspect data/n1", ""],
    ["gramme inspect data/n1 --check", "before it is relied on, as after a restored backup"],
    ["gramme inspect data/n1 --keys --limit 20", "what is in there"],
    ["gramme inspect data/n1 --json", "for scripts"],
  ]);
  command.action(async (dir: string, flags: InspectFlags) => {
    if (flags.acceptLosses === true) {
      await withDirectory(dir, (directory) => accept(directory, flags));
    }
    const store = await withDirectory(dir, (directory) => inspect(directory, flags));
    if (store.verdict === "damaged") process.exitCode = EXIT.damaged;
  });
}

async function inspect(directory: DataDirectory, flags: InspectFlags): Promise<StoreDocument> {
  const progress = new CheckProgress();
  const onChecked: OnChecked | undefined =
    flags.check === true ? (bytes, total) => progress.add(bytes, total) : undefined;
  const found = await inspectStore(directory, onChecked);
  progress.end();
  const store = documentOf(found, flags.keys === true ? flags.limit : undefined);
  if (flags.json === true) printJson(store);
  else printReport(store);
  return store;
}

async function accept(directory: DataDirectory, { yes, json }: InspectFlags): Promise<void> {
  const before = documentOf(await inspectStore(directory, undefined), undefined);
  if (before.log === null || before.log.loss === null) {
    return remark("nothing is lost in there: there is nothing to accept");
  }
  if (json !== true) {
    printReport(before);
    print("");
    print(ACCEPTING);
    print("");
  }
  if (yes !== true) {
    const message = "--accept-losses changes the directory, and was not confirmed";
    throw new CommandError(EXIT.usage, message, "add --yes to accept the losses");
  }
  const { segment, offset } = (await acceptLossesIn(directory)) ?? before.log.loss;
  remark(`accepted: what was lost before byte ${offset} of segment ${segment}`);
}

/** A bar for people at a terminal, and silence for everybody else. */
class CheckProgress {
  #progress: Progress | undefined = undefined;
  #bytes = 0;

  add(bytes: number, totalBytes: number): void {
    if (!process.stderr.isTTY) return;
    this.#progress ??= new Progress(Math.ceil(totalBytes / MIB), "MiB checked");
    const before = Math.floor(this.#bytes / MIB);
    this.#bytes += bytes;
    for (let mib = before; mib < Math.floor(this.#bytes / MIB); mib++) this.#progress.step();
  }

  end(): void {
    this.#progress?.end();
  }
}
