/**
 * `gramme dev`: a whole cluster on this machine, for trying things.
 *
 * The nodes are told everything on their command lines, so that each can be killed and started
 * again by hand. A node that dies is reported and left dead: to see what a cluster does without one
 * is what this is for. The nodes stop with this process, however it ends.
 */
import { join } from "node:path";
import { Option, type Command } from "commander";
import { checkSettings } from "../host/cluster-settings.ts";
import type { DevNode } from "./dev-node.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { BASE_PORT_DEFAULT, examples, integerIn, NODE_DEFAULT } from "./flags.ts";
import { LocalCluster, localMembers, type Member } from "./local-cluster.ts";
import { nodeFlags, sharedSettings, wordsOf, type NodeFlags } from "./node-flags.ts";
import { paint, print, remark } from "./output.ts";
import { toldToStop } from "./stop-signal.ts";

interface DevFlags extends NodeFlags {
  readonly memory?: true;
  readonly nodes: number;
  readonly basePort: number;
}

const DIR_DEFAULT = ".gramme/dev";
const NODES_MAX = 32;
const PORT_MAX = 65_535;

export function describeDev(command: Command): void {
  command
    .addOption(
      new Option("--nodes <count>", "how many, named n0, n1, n2 …")
        .env("GRAMME_NODES")
        .default(3)
        .argParser(integerIn(1, NODES_MAX)),
    )
    .addOption(
      new Option("--base-port <port>", "n0 listens here, n1 at the next port, and so on")
        .env("GRAMME_BASE_PORT")
        .default(BASE_PORT_DEFAULT)
        .argParser(integerIn(1, PORT_MAX)),
    )
    .addOption(
      new Option("--dir <path>", "the nodes keep their rows in n0, n1 … below it")
        .env("GRAMME_DIR")
        .default(DIR_DEFAULT),
    )
    .addOption(new Option("--memory", "keep everything in memory").conflicts("engine"));
  nodeFlags(command);
  examples(command, [
    ["gramme dev", "three nodes at 127.0.0.1:7400, 7401 and 7402"],
    ["gramme dev --nodes 5 --base-port 9000 --dir five", "other nodes, another directory"],
    ["gramme dev --memory", "nothing is kept"],
    ["gramme dev --strategy ring --virtual-nodes 8", "see gramme ring"],
  ]);
  command.action(async (flags: DevFlags) => {
    const wordsFor = ({ id }: Member): readonly string[] => {
      const dir = flags.memory === true ? [] : ["--dir", join(flags.dir!, id)];
      return [...wordsOf(flags), ...dir];
    };
    await dev(new LocalCluster(membersOf(flags), wordsFor), keptIn(flags));
  });
}

/** Where the rows stay when all has stopped; nothing when they do not. */
function keptIn({ memory, dir }: DevFlags): string | undefined {
  return memory === true ? undefined : dir;
}

async function dev(cluster: LocalCluster, dir: string | undefined): Promise<void> {
  let isReady = false;
  const onExit = ({ id, commandLine }: DevNode, how: string): void => {
    if (!isReady) return;
    remark(`${paint("red", id, process.stderr)} has ended (${how}). Start it again with`);
    remark(`  ${commandLine}`);
  };
  const stopped = toldToStop().then(() => "stopped" as const);
  cluster.start(onExit);
  try {
    if ((await Promise.race([cluster.ready(), stopped])) === "stopped") return;
    isReady = true;
    printReady(cluster.addresses, dir);
    if ((await Promise.race([cluster.ended(), stopped])) === "stopped") return;
    throw new CommandError(EXIT.unavailable, "no node is left");
  } finally {
    await cluster.stop();
  }
}

function membersOf(flags: DevFlags): readonly Member[] {
  const { nodes, basePort } = flags;
  if (basePort + nodes - 1 > PORT_MAX) {
    const message = `--base-port ${basePort} leaves no ports for ${nodes} nodes`;
    throw new CommandError(EXIT.usage, message, `it is at most ${PORT_MAX - nodes + 1}`);
  }
  const members = localMembers(Array.from({ length: nodes }, (_, index) => basePort + index));
  // What the nodes would refuse is refused here, once and before anything runs.
  const { id, address } = members[0]!;
  const settings = sharedSettings(flags.memory === true ? withoutDir(flags) : flags);
  checkSettings({ ...settings, id, listen: address, peers: members });
  return members;
}

function withoutDir({ dir: _dir, ...flags }: DevFlags): NodeFlags {
  return flags;
}

function printReady(addresses: readonly string[], dir: string | undefined): void {
  print(`ready ${addresses.length} nodes at ${addresses.join(" ")}`);
  const [first = ""] = addresses;
  const node = first === NODE_DEFAULT ? "" : ` --node ${first}`;
  const hints = [
    [`gramme put greeting hello${node}`, "store a value"],
    [`gramme get greeting${node}`, "read it"],
    [`gramme ring --key greeting${node}`, "who owns it"],
    [`gramme status${node}`, "the nodes and their pids: kill one, and go on"],
    [`export GRAMME_NODE=${addresses.join(",")}`, "to be served whoever is down"],
    ["Ctrl-C", dir === undefined ? "stops all; nothing is kept" : `stops all; ${dir} stays`],
  ] as const;
  const wide = Math.max(...hints.map(([line]) => line.length));
  print("");
  for (const [line, what] of hints) print(`  ${line.padEnd(wide)}   ${paint("dim", what)}`);
}
