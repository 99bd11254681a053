/**
 * `gramme start`: one node in the foreground.
 *
 *     listening n0 at 127.0.0.1:7400      it can be reached
 *     ready n0 at 127.0.0.1:7400 …        it has so many peers that any key has its quorum
 *
 * It stops, and says so, when it is told to by a signal, when whoever started it with a channel is
 * gone (so that `dev` never leaves orphans), and when something happened after which its state is
 * unknown (law 9). The first two let open requests finish and end with 0.
 */
import { Option, type Command } from "commander";
import { levelCount } from "../core/coordinator/quorum.ts";
import { checkSettings, type NodeSettings } from "../host/cluster-settings.ts";
import type { MemberSettings } from "../host/member-settings.ts";
import type { BootReason } from "../core/identity/boot.ts";
import { DiskFailure } from "../host/disk-failure.ts";
import type { HostFact, SettlingFact } from "../host/host-fact.ts";
import { StoppedWaiting } from "../host/settle-rows.ts";
import { startNode, type RunningNode } from "../host/start-node.ts";
import type { PeerStatus } from "../host/node-status.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { examples, NODE_DEFAULT } from "./flags.ts";
import {
  given,
  integer,
  members,
  nodeFlags,
  seeds,
  sharedSettings,
  type NodeFlags,
} from "./node-flags.ts";
import { print, remark, remarkError } from "./output.ts";
import { parentGone, toldToStop } from "./stop-signal.ts";

interface StartFlags extends NodeFlags {
  readonly id: string;
  readonly listen: string;
  readonly advertise?: string;
  readonly peers?: readonly MemberSettings[];
  readonly seeds?: readonly string[];
  readonly zone?: string;
  readonly weight?: number;
}

const WAITING_REMARK_EVERY_MS = 5_000;
/** Refusals remembered, so as not to repeat them. */
const REFUSALS_MAX = 256;

export function describeStart(command: Command): void {
  command
    .addOption(
      new Option("--id <name>", "the node's name in its cluster, for ever")
        .env("GRAMME_ID")
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--listen <host:port>", "where to listen for nodes and clients")
        .env("GRAMME_LISTEN")
        .default(NODE_DEFAULT),
    )
    .addOption(
      new Option("--advertise <host:port>", "how others reach it, where that differs").env(
        "GRAMME_ADVERTISE",
      ),
    )
    .addOption(
      new Option("--peers <id=host:port,...>", "all members; by id alone where seeds find them")
        .env("GRAMME_PEERS")
        .argParser(members),
    )
    .addOption(
      new Option("--seeds <host:port,...>", "where to ask for members, also srv:_gramme._tcp.NAME")
        .env("GRAMME_SEEDS")
        .argParser(seeds),
    )
    .addOption(
      new Option("--dir <path>", "where its rows are kept, else in memory alone").env("GRAMME_DIR"),
    )
    .addOption(new Option("--zone <name>", "what fails together with it").env("GRAMME_ZONE"))
    .addOption(
      new Option("--weight <number>", "its capacity beside the others'")
        .env("GRAMME_WEIGHT")
        .argParser(integer),
    );
  nodeFlags(command);
  examples(command, [
    ["gramme start --id n0 --dir /var/lib/gramme", "a cluster of one that keeps what it stores"],
    ["gramme start --id n0", "the same in memory"],
    ["gramme start --id n0 --listen 0.0.0.0:7400 --advertise db0:7400 \\", ""],
    ["  --peers n0=db0:7400,n1=db1:7400,n2=db2:7400", "one of three"],
    ["gramme start --id n0 … --peers n0,n1,n2 --seeds db0,db1", "who is where, seeds tell"],
    ["gramme start … --peers n0=db0:7400@rack-a,n1=db1:7400@rack-b*2", "zones and weights"],
    ["gramme start … --set config.requestTimeoutMs=500", "any other setting"],
  ]);
  command.action(async (flags: StartFlags) => start(settingsOf(flags)));
}

function settingsOf(flags: StartFlags): NodeSettings {
  const { id, listen, advertise, peers, seeds: asked, zone, weight } = flags;
  return {
    ...sharedSettings(flags),
    ...given<NodeSettings>({ id, listen, advertise, peers, seeds: asked, zone, weight }),
  };
}

async function start(settings: NodeSettings): Promise<void> {
  const stop = Promise.race([toldToStop(), parentGone()]);
  try {
    await run(settings, stop);
  } finally {
    // To listen for the end of the channel keeps the process alive.
    if (process.connected) process.disconnect();
  }
}

async function run(settings: NodeSettings, stop: Promise<void>): Promise<void> {
  const watch = new PeerWatch(settings);
  const whileStarting = new AbortController();
  void stop.then(() => whileStarting.abort());
  const node = await listening(settings, watch, whileStarting.signal);
  if (node === undefined) return print(`stopped ${settings.id}`);
  const waiting = setInterval(
    () => watch.remarkWaiting(node.status().peers),
    WAITING_REMARK_EVERY_MS,
  );
  node.host.onFatal((error) => {
    if (error instanceof DiskFailure) {
      remarkError(`${settings.id} has stopped: ${error.message}`);
      process.exit(EXIT.storage);
    }
    remarkError(`${settings.id} has stopped, its state is unknown`);
    remark(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT.bug);
  });
  await stop;
  clearInterval(waiting);
  watch.isStopping = true;
  await node.stop();
  print(`stopped ${settings.id}`);
}

/** Nothing when it was told to stop while it waited. */
async function listening(
  settings: NodeSettings,
  watch: PeerWatch,
  signal: AbortSignal,
): Promise<RunningNode | undefined> {
  try {
    return await startNode(settings, { onFact: (fact) => watch.onFact(fact), signal });
  } catch (error) {
    if (error instanceof StoppedWaiting) return undefined;
    if (error instanceof DiskFailure) {
      throw new CommandError(EXIT.storage, `${settings.id} has stopped: ${error.message}`);
    }
    const { code } = error as NodeJS.ErrnoException;
    const { listen } = settings;
    if (code === "EADDRINUSE") {
      const port = listen.slice(listen.lastIndexOf(":") + 1);
      const message = `port ${port} is in use: something else listens at ${listen}`;
      throw new CommandError(EXIT.usage, message, "stop that, or choose another port");
    }
    if (code === "EADDRNOTAVAIL" || code === "EACCES" || code === "ENOTFOUND") {
      throw new CommandError(EXIT.usage, `listen: cannot listen at ${listen}: ${code}`);
    }
    throw error;
  }
}

const BOOTS: Readonly<Record<BootReason, string>> = {
  first: "",
  clean: "",
  unclean: "the last run did not stop in order: its epochs are not used again",
  copied: "the directory is a copy of another: this node goes on under a new identity",
  restored: "the directory or its rows come from a backup: this node goes on under a new identity",
  outlived: "other nodes know a younger boot: this node goes on under a new identity",
  damaged: "the stored identity cannot be read: this node goes on under a new one",
  exhausted: "the epochs of the identity are used up: this node goes on under a new one",
};

/** What a clean stop would not have left. */
function remarkBoot({ reason, findings }: Extract<HostFact, { kind: "storage-opened" }>): void {
  if (BOOTS[reason] !== "") remark(BOOTS[reason]);
  if (findings !== "") remark(`found in the data directory: ${findings}`);
}

/** What becomes of rows that were put back. */
function remarkSettling(fact: SettlingFact): void {
  if (fact.kind === "rows-unsettled") return remark(`waiting: ${fact.waits}`);
  if (fact.kind === "rows-kept") return remark(`its rows, which were put back, count`);
  remark(
    `its rows, which were put back, are too old: the others have forgotten deletions since. They ` +
      `were moved to ${fact.path}, and what the others hold fills this node again`,
  );
}

/** Follows the peers by the node's facts: says when it is ready, and who comes and goes. */
class PeerWatch {
  isStopping = false;
  readonly #id: string;
  readonly #peers: ReadonlySet<string>;
  readonly #missingMax: number;
  readonly #linked: Set<string> = new Set();
  readonly #lost: Set<string> = new Set();
  /** Those that were told: whoever is refused comes again for ever, and is told the same. */
  readonly #refusals: Set<string> = new Set();
  #address = "";
  #isReady = false;

  constructor(settings: NodeSettings) {
    const { id, members: all, replicas, config } = checkSettings(settings);
    const others = all.map((member) => member.id).filter((member) => member !== id);
    const needed = [config.r, config.w].map((each) => levelCount(each, replicas) ?? replicas);
    this.#id = id;
    this.#peers = new Set(others);
    this.#missingMax = replicas - Math.max(...needed);
  }

  onFact(fact: HostFact): void {
    if (fact.kind === "listening") return this.#onListening(fact.address);
    if (fact.kind === "storage-opened") return remarkBoot(fact);
    if (fact.kind === "rows-unsettled" || fact.kind === "rows-kept") return remarkSettling(fact);
    if (fact.kind === "rows-given-up") return remarkSettling(fact);
    if (this.isStopping) return;
    if (fact.kind === "peer-linked") return this.#onLinked(fact.peer);
    if (fact.kind === "peer-lost") return this.#onLost(fact.peer);
    if (fact.kind === "row-damaged") remark(`a damaged row of key ${JSON.stringify(fact.key)}`);
    if (fact.kind === "sends-dropped") remark(`${fact.peer} is too slow: dropping messages to it`);
    if (fact.kind === "seed-asked") return this.#onSeedAsked(fact);
    if (fact.kind === "connection-refused") this.#onRefused(fact);
  }

  remarkWaiting(peers: readonly PeerStatus[]): void {
    if (this.#isReady) return;
    const missing = this.#missing().map((id) => {
      const problem = peers.find((peer) => peer.id === id)?.problem ?? "";
      return problem === "" ? id : `${id} (${problem})`;
    });
    remark(`not ready, waiting for ${missing.join(", ")}`);
  }

  #onSeedAsked({ seed, met, problem }: Extract<HostFact, { kind: "seed-asked" }>): void {
    const found = met.length === 0 ? "nobody new is there" : `met ${met.join(", ")}`;
    remark(`seed ${seed}: ${problem === "" ? found : problem}`);
  }

  #onRefused({
    by,
    code,
    message,
    remote,
  }: Extract<HostFact, { kind: "connection-refused" }>): void {
    // What a seed answers is told where it was asked.
    if (remote.startsWith("seed ")) return;
    // Each connection comes from another port.
    const host = by === "us" ? remote.slice(0, remote.lastIndexOf(":")) : remote;
    const refusal = `${host}: ${code}, refused by ${by}: ${message}`;
    if (this.#refusals.has(refusal)) return;
    if (this.#refusals.size >= REFUSALS_MAX) this.#refusals.clear();
    this.#refusals.add(refusal);
    remark(refusal);
  }

  #onListening(address: string): void {
    this.#address = address;
    print(`listening ${this.#id} at ${address}`);
    this.#lookWhetherReady();
  }

  #onLinked(peer: string): void {
    if (this.#lost.delete(peer)) remark(`linked with ${peer} again`);
    this.#linked.add(peer);
    this.#lookWhetherReady();
  }

  #onLost(peer: string): void {
    this.#linked.delete(peer);
    this.#lost.add(peer);
    remark(`lost ${peer}`);
  }

  #lookWhetherReady(): void {
    if (this.#isReady || this.#address === "" || this.#missing().length > this.#missingMax) return;
    this.#isReady = true;
    const [linked, all] = [this.#linked.size, this.#peers.size];
    print(`ready ${this.#id} at ${this.#address}, linked with ${linked} of ${all} peers`);
  }

  #missing(): readonly string[] {
    return [...this.#peers].filter((peer) => !this.#linked.has(peer));
  }
}
