/**
 * `gramme hints`: what nodes keep for owners that cannot be reached. It lists, lets it be delivered
 * at once, or lets it be forgotten.
 */
import { Argument, type Command } from "commander";
import { withCluster } from "./cluster.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { clusterFlags, examples, type ClusterFlags } from "./flags.ts";
import { deliverHints } from "./hints-deliver.ts";
import { dropHints } from "./hints-drop.ts";
import { HintsView, type Keeping, sumOf } from "./hints-view.ts";
import { paint, print, printJson, showBytes, showDuration, table } from "./output.ts";

interface HintsFlags extends ClusterFlags {
  readonly to?: string;
  readonly yes?: true;
}

const ANSWER_TIMEOUT_MS = 1_000;

const MORE_HELP = `
A write for an owner that cannot be reached is kept by another node: a hint. When the owner is
back it is told by itself, and the hint goes. Nothing here is needed for that.

  list      per node that keeps hints, and per owner they are for
  deliver   begin at once, and watch; Ctrl-C stops the watching, not the delivery
  drop      forget what is kept for one node, which needs --yes

Exit codes: 0 done, 2 wrong usage, an unknown node, or a drop that was not confirmed, 3 no node
could be asked, or something is left: for a node that cannot be reached or takes nothing, or on
one that is down.`;

export function describeHints(command: Command): void {
  clusterFlags(command)
    .addArgument(
      new Argument("[order]", "what to do").choices(["list", "deliver", "drop"]).default("list"),
    )
    .option("--to <node>", "deliver, drop: only what is kept for this node")
    .option("--yes", "drop: yes, forget them")
    .addHelpText("after", MORE_HELP);
  examples(command, [
    ["gramme hints", ""],
    ["gramme hints --json", "for scripts"],
    ["gramme hints deliver", "now, to all that can be reached"],
    ["gramme hints deliver --to n2", ""],
    ["gramme hints drop --to n2", "says what would be lost, and changes nothing"],
    ["gramme hints drop --to n2 --yes", "for a node that does not come back"],
  ]);
  command.action(async (order: "list" | "deliver" | "drop", flags: HintsFlags) => {
    checkFlags(order, flags);
    const timeoutMs = flags.timeout ?? ANSWER_TIMEOUT_MS;
    await withCluster({ ...flags, timeout: timeoutMs }, async (client) => {
      if (order === "deliver") return deliverHints(client, flags, timeoutMs);
      if (order === "drop") return dropHints(client, flags, timeoutMs);
      const view = await HintsView.ask(client, { kind: "list" }, timeoutMs);
      if (flags.json) printJson(view.document);
      else printHints(view);
    });
  });
}

function checkFlags(order: string, { to, yes }: HintsFlags): void {
  if (to !== undefined && order === "list") {
    throw new CommandError(EXIT.usage, "--to belongs to deliver or drop");
  }
  if (yes !== undefined && order !== "drop") {
    throw new CommandError(EXIT.usage, "--yes belongs to drop");
  }
}

function printHints(view: HintsView): void {
  const { clusterId, epoch } = view.layout;
  const { keys, bytes } = sumOf(view.keepings);
  const targets = new Set(view.keepings.map(({ target }) => target)).size;
  const what =
    keys === 0
      ? "nothing is kept for anybody"
      : `${keys} hints, ${showBytes(bytes)}, for ${targets} ${targets === 1 ? "node" : "nodes"}`;
  print(`cluster ${paint("bold", clusterId)}, epoch ${epoch}: ${what}`);
  if (view.keepings.length > 0) {
    const right = ["KEYS", "BYTES", "RATE"];
    const head = ["NODE", "FOR", "KEYS", "BYTES", "AWAY", "DELIVERY", "RATE"];
    print("");
    print(table({ head, right, rows: view.keepings.map(rowOf) }));
  }
  view.remarkUnknown();
}

function rowOf(keeping: Keeping): readonly string[] {
  const { keeper, target, keys, bytes, awayMs, state, rowsPerSecond } = keeping;
  const away = awayMs === undefined ? "-" : paint("yellow", showDuration(awayMs));
  return [keeper, target, String(keys), showBytes(bytes), away, state, `${rowsPerSecond}/s`];
}
