/**
 * `gramme repair`: owners compare what they hold now, mend what differs, and we watch until it is
 * proven that nothing does.
 *
 * They compare by themselves, again and again. This is for whoever wants to know now: after a disk
 * was replaced, before a node is taken away.
 */
import type { Command } from "commander";
import type { RemoteClient } from "../client/remote-client.ts";
import type { PairState } from "../core/repair-orders.ts";
import type { Layout, LayoutNode } from "../core/ring/layout.ts";
import { withCluster } from "./cluster.ts";
import { CommandError, EXIT, type ExitCode } from "./exit-codes.ts";
import { clusterFlags, examples, integerIn, type ClusterFlags } from "./flags.ts";
import { print, printJson, remark, showDuration } from "./output.ts";
import { listPairs, type NodePair, pairDocument } from "./repair-view.ts";
import { RepairRun } from "./repair-watch.ts";
import { toldToStop } from "./stop-signal.ts";

interface RepairFlags extends ClusterFlags {
  readonly partition?: number;
  readonly at?: string;
  /** False: not at all. True: until it is over. */
  readonly wait: boolean | number;
}

const ANSWER_TIMEOUT_MS = 1_000;
const WAIT_MS_MAX = 2 ** 31 - 1;
const PARTITIONS_SHOWN = 8;

const MORE_HELP = `
Owners of a partition compare sums of what they hold, and merge the records that differ. They do so
by themselves, each pair about every ten minutes; this makes them begin now, and watches until every
pair is proven in sync. Ctrl-C stops the watching, not the repair.

Exit codes: 0 all pairs are proven in sync, or it is no longer watched, 2 wrong usage or an unknown
partition or node, 3 some could not be proven, or a node could not be asked, 6 some could not,
because of rows that nobody can read.`;

export function describeRepair(command: Command): void {
  clusterFlags(command)
    .option("-p, --partition <number>", "only this one", integerIn(0, 16_383))
    .option("--at <node>", "only pairs of this node")
    .option("--wait <ms>", "watch for so long at most", integerIn(1, WAIT_MS_MAX))
    .option("--no-wait", "begin, and do not watch")
    .addHelpText("after", MORE_HELP);
  examples(command, [
    ["gramme repair", ""],
    ["gramme repair --partition 17", ""],
    ["gramme repair --at n2", "after its disk was replaced"],
    ["gramme repair --no-wait", "gramme status shows when it was proven"],
    ["gramme repair --json", "for scripts"],
  ]);
  command.action(async (flags: RepairFlags) => {
    const timeoutMs = flags.timeout ?? ANSWER_TIMEOUT_MS;
    await withCluster({ ...flags, timeout: timeoutMs }, (client) =>
      repair(client, flags, timeoutMs),
    );
  });
}

async function repair(client: RemoteClient, flags: RepairFlags, timeoutMs: number): Promise<void> {
  const startedAt = performance.now();
  const { partition, wait } = flags;
  const layout = client.layout();
  const nodes = nodesOf(layout, flags);
  let isStopped = false;
  void toldToStop().then(() => (isStopped = true));
  const isLate = (): boolean => typeof wait === "number" && performance.now() - startedAt >= wait;
  const isOver = (): boolean => isStopped || isLate();
  const run = await RepairRun.start(client, { nodes, partition, timeoutMs, isOver });
  if (wait !== false) await run.follow();
  const elapsedMs = Math.round(performance.now() - startedAt);
  const pairs = await listPairs(client, nodes, partition, timeoutMs);
  const left = pairs.filter(({ isLeft }) => isLeft);
  const isWatched = wait !== false && !isStopped;
  const exitCode = exitCodeOf(run, isWatched);
  if (exitCode !== EXIT.ok) process.exitCode = exitCode;
  if (flags.json) printJson(documentOf(layout, partition, run, left, elapsedMs));
  else print(sentence(run, elapsedMs, wait !== false));
  remarkNodes(run);
  if (isWatched) remarkLeft(left);
  if (run.left > 0 && wait !== false) {
    remark(
      `${run.isStalled ? "nothing has moved for a while: " : ""}the nodes go on by themselves`,
    );
  }
}

function nodesOf(layout: Layout, { partition, at }: RepairFlags): readonly LayoutNode[] {
  const { clusterId, partitionCount, nodes } = layout;
  if (partition !== undefined && partition >= partitionCount) {
    const problem = `--partition: cluster ${clusterId} has none of number ${partition}`;
    throw new CommandError(EXIT.usage, problem, `they are 0 to ${partitionCount - 1}`);
  }
  if (at !== undefined) {
    const node = nodes.find(({ id }) => id === at);
    if (node !== undefined) return [node];
    const problem = `--at: cluster ${clusterId} has no node ${JSON.stringify(at)}`;
    const names = nodes.map(({ id }) => id).join(" ");
    throw new CommandError(EXIT.usage, problem, `its nodes are ${names}`);
  }
  if (partition === undefined) return nodes;
  return nodes.filter(({ id }) => layout.isOwner(id, partition));
}

function exitCodeOf(run: RepairRun, isWatched: boolean): ExitCode {
  if (isWatched && run.nodes.some(({ left }) => left.has("stuck"))) return EXIT.damaged;
  const isUnasked = run.nodes.some(({ reason }) => reason !== "");
  return isUnasked || (isWatched && run.left > 0) ? EXIT.unavailable : EXIT.ok;
}

function documentOf(
  { clusterId, epoch }: Layout,
  partition: number | undefined,
  run: RepairRun,
  left: readonly NodePair[],
  elapsedMs: number,
): object {
  const { asked, keysMoved, keysUnchanged } = run;
  return {
    clusterId,
    epoch,
    partition: partition ?? null,
    asked,
    proven: asked - run.left,
    left: run.left,
    keysMoved,
    keysUnchanged,
    elapsedMs,
    nodes: run.nodes.map(({ node, reason, ...numbers }) => ({
      id: node.id,
      address: node.address,
      state: reason === "" ? "up" : "down",
      reason,
      asked: numbers.asked,
      left: Object.fromEntries(numbers.left),
      keysMoved: numbers.keysMoved,
      keysUnchanged: numbers.keysUnchanged,
    })),
    pairsLeft: left.map(pairDocument),
  };
}

function sentence(run: RepairRun, elapsedMs: number, isWatched: boolean): string {
  const { asked, left, keysMoved, keysUnchanged } = run;
  if (!isWatched) return `asked to compare ${asked} pairs: the nodes go on by themselves`;
  const keys = `${keysMoved} keys moved, ${keysUnchanged} of them unchanged`;
  const proven = `${asked - left} of ${asked} pairs are proven in sync`;
  return `${proven} after ${showDuration(elapsedMs)}: ${keys}`;
}

function remarkNodes(run: RepairRun): void {
  for (const { node, reason } of run.nodes) {
    if (reason !== "") remark(`${node.id} does not answer, and compares nothing: ${reason}`);
  }
}

/** Of each node and peer, and each reason, how many and which. */
function remarkLeft(left: readonly NodePair[]): void {
  const groups = new Map<string, NodePair[]>();
  for (const pair of left) {
    const name = `${pair.node} with ${pair.peer}: ${reasonOf(pair.state, pair.peer)}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [pair]);
    else group.push(pair);
  }
  for (const [name, pairs] of groups) {
    const shown = pairs.slice(0, PARTITIONS_SHOWN).map(({ partition }) => partition);
    const more = pairs.length > shown.length ? " …" : "";
    remark(`${name}: ${pairs.length} left, partition ${shown.join(" ")}${more}`);
  }
}

function reasonOf(state: PairState, peer: string): string {
  switch (state) {
    case "away":
      return `${peer} cannot be reached`;
    case "building":
      return "one of the two still makes its sums from its rows";
    case "busy":
      return `${peer} is busy with others`;
    case "unsettled":
      return "what differs is being written to";
    case "repaired":
      return "records have moved, and are to be compared once more";
    case "stuck":
      return "there are rows that cannot be read, and no copy mends them";
    case "silent":
      return `${peer} has not answered in time`;
    case "moved":
      return "the connection or the layout changed meanwhile";
    case "waiting":
    case "comparing":
    case "proven":
      return "it was not its turn yet";
  }
}
