/**
 * The one who breaks things: faults at random instants, each for a drawn while.
 *
 * Every kind of fault is a plan of its own with its own generator, so that leaving one out does not
 * move the others.
 *
 * Permanent loss is limited: only nodes in `forgetful` ever lose rows, and there are fewer of them
 * than the smallest write quorum has members. So some owner always remembers every acknowledged
 * write, and whatever is lost is a bug.
 *
 * An older copy of a disk is put back however old it is: what the others have forgotten since, the
 * node has to find out.
 */
import type { Random } from "../core/base/random.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { Harm } from "./node-storage.ts";
import type { RestartKind } from "./observer.ts";
import type { Simulation } from "./simulation.ts";

/** How often, on average, and for how long at most. */
export interface FaultPlan {
  readonly everyMs: number;
  readonly lastsMsMax: number;
}

export type PartitionKind = "split" | "isolate" | "bridge";

export interface NemesisOptions {
  readonly partitions:
    | (FaultPlan & { readonly kinds: readonly PartitionKind[]; readonly oneWayRate: number })
    | undefined;
  readonly clogs: FaultPlan | undefined;
  readonly crashes:
    | (FaultPlan & {
        readonly silentRate: number;
        /** Probability of a stop in order instead. */
        readonly stopRate: number;
        /** Probability that a forgetful node forgets when it crashes. */
        readonly forgetRate: number;
      })
    | undefined;
  readonly pauses: FaultPlan | undefined;
  readonly slowness: (FaultPlan & { readonly factorMax: number }) | undefined;
  readonly slowDisks: (FaultPlan & { readonly syncMsMax: number }) | undefined;
  readonly fullDisks: FaultPlan | undefined;
  readonly damage: FaultPlan | undefined;
  /** Of a forgetful node that has a real enough disk. */
  readonly harms: (FaultPlan & { readonly kinds: readonly Harm[] }) | undefined;
  readonly backups: FaultPlan | undefined;
  /** A machine of a forgetful node dies, and comes back with another disk than it had. */
  readonly diskSwaps?: (FaultPlan & { readonly kinds: readonly DiskSwap[] }) | undefined;
  readonly wallJumps: (FaultPlan & { readonly jumpMsMax: number }) | undefined;
  /** Probability that a crash is that of the machine. */
  readonly machineRate: number;
  /** Number of nodes that may lose rows. */
  readonly forgetful: number;
  /** Strikes, as `crashes 3`, that are drawn and not done: how a failing run is made smaller. */
  readonly skipped: readonly string[];
}

/** The parts of the options that are faults. */
export const PLANS = [
  "partitions",
  "clogs",
  "crashes",
  "pauses",
  "slowness",
  "slowDisks",
  "fullDisks",
  "damage",
  "harms",
  "backups",
  "diskSwaps",
  "wallJumps",
] as const;

/** The disk that a node finds: none of its rows, or those of an older copy. */
export const DISK_SWAPS = ["lost", "new-identity", "restored", "copied"] as const;

export type DiskSwap = (typeof DISK_SWAPS)[number];

const SET_BACK: readonly RestartKind[] = ["restored", "copied"];

export class Nemesis {
  readonly #sim: Simulation;
  readonly #random: Random;
  readonly #options: NemesisOptions;
  readonly #forgetful: readonly NodeId[];
  readonly #skipped: ReadonlySet<string>;
  readonly #done: string[] = [];
  /** Who has a copy of its disk. */
  readonly #backedUp: Set<NodeId> = new Set();
  #hits = 0;
  #isStopped = false;

  constructor(sim: Simulation, random: Random, options: NemesisOptions) {
    this.#sim = sim;
    this.#random = random;
    this.#options = options;
    this.#skipped = new Set(options.skipped);
    const nodes = [...sim.nodes];
    random.fork("forgetful").shuffle(nodes);
    this.#forgetful = nodes.slice(0, options.forgetful);
  }

  start(): void {
    const { partitions, clogs, crashes, pauses, slowness } = this.#options;
    const { slowDisks, fullDisks, damage, harms, backups, diskSwaps } = this.#options;
    this.#plan("partitions", partitions, (random, plan, ms) => this.#partition(random, plan, ms));
    this.#plan("clogs", clogs, (random, _plan, ms) => this.#clog(random, ms));
    this.#plan("crashes", crashes, (random, plan, ms) => this.#crash(random, plan, ms));
    this.#plan("pauses", pauses, (random, _plan, ms) => this.#pause(random, ms));
    this.#plan("slowness", slowness, (random, plan, ms) => this.#slow(random, plan.factorMax, ms));
    this.#plan("slowDisks", slowDisks, (random, plan, ms) => this.#slowDisk(random, plan, ms));
    this.#plan("fullDisks", fullDisks, (random, _plan, ms) => this.#fillDisk(random, ms));
    this.#plan("damage", damage, (random) => this.#damage(random));
    this.#plan("harms", harms, (random, plan) => this.#harm(random, plan.kinds));
    this.#plan("backups", backups, (random) => this.#backUp(random));
    this.#plan("diskSwaps", diskSwaps, (random, plan, ms) => this.#swapDisk(random, plan, ms));
    this.#plan("wallJumps", this.#options.wallJumps, (random, plan) =>
      this.#jump(random, plan.jumpMsMax),
    );
  }

  /** Every strike that was done, by its name: what `skipped` may name. */
  get strikesDone(): readonly string[] {
    return this.#done;
  }

  /** Strikes that did something: one that finds its node down already does nothing. */
  get hits(): number {
    return this.#hits;
  }

  /** No further fault, and every fault that lasts ends now. */
  stop(): void {
    this.#isStopped = true;
    const sim = this.#sim;
    sim.network.heal();
    for (const id of sim.nodes) {
      const node = sim.node(id);
      if (node.isDown) node.restart();
      node.resume();
      node.slow(1);
      node.quickDisk();
      node.freeDisk();
    }
  }

  #plan<Plan extends FaultPlan>(
    name: (typeof PLANS)[number],
    plan: Plan | undefined,
    strike: (random: Random, plan: Plan, lastsMs: number) => void,
  ): void {
    if (plan === undefined) return;
    const random = this.#random.fork(name);
    let count = 0;
    const next = (): void => {
      this.#sim.after(random.exponential(plan.everyMs), () => {
        if (this.#isStopped) return;
        const strikeName = `${name} ${++count}`;
        // A generator for each strike: one that is left out leaves the next as they were.
        const drawn = random.fork(strikeName);
        if (!this.#skipped.has(strikeName)) {
          this.#done.push(strikeName);
          const before = this.#sim.faultsInjected;
          strike(drawn, plan, drawn.fraction() * plan.lastsMsMax);
          if (this.#sim.faultsInjected > before) this.#hits++;
        }
        next();
      });
    };
    next();
  }

  #partition(
    random: Random,
    plan: NonNullable<NemesisOptions["partitions"]>,
    lastsMs: number,
  ): void {
    const nodes = [...this.#sim.nodes];
    if (nodes.length < 2) return;
    random.shuffle(nodes);
    const kind = random.pick(plan.kinds);
    const oneWay = random.chance(plan.oneWayRate);
    const size = kind === "isolate" ? 1 : random.between(1, nodes.length - 1);
    const left = nodes.slice(0, size);
    // A bridge is a node that both sides reach, though they do not reach each other.
    const right = nodes.slice(kind === "bridge" ? size + 1 : size);
    if (right.length === 0) return;
    this.#sim.count(`partition-${kind}`);
    if (oneWay) this.#sim.count("partition-one-way");
    const direction = oneWay ? "one-way" : "both";
    const partition = random.chance(0.5)
      ? this.#sim.network.partition(left, right, { direction })
      : this.#sim.network.partition(right, left, { direction });
    this.#later(lastsMs, () => partition.heal());
  }

  #clog(random: Random, lastsMs: number): void {
    const nodes = [...this.#sim.nodes];
    random.shuffle(nodes);
    const [from, to] = nodes;
    if (from === undefined || to === undefined) return;
    this.#sim.count("clog");
    this.#sim.network.clog(from, to, lastsMs);
  }

  #crash(random: Random, plan: NonNullable<NemesisOptions["crashes"]>, lastsMs: number): void {
    const id = random.pick(this.#sim.nodes);
    const stops = random.chance(plan.stopRate);
    const silent = random.chance(plan.silentRate);
    const forgets = random.chance(plan.forgetRate) && this.#forgetful.includes(id);
    const newIdentity = random.chance(0.5);
    const death = random.chance(this.#options.machineRate) ? "machine" : "process";
    const node = this.#sim.node(id);
    if (node.isDown) return;
    if (stops && node.isUp) node.stop();
    else node.crash({ silent, death });
    const usual: RestartKind = newIdentity ? "new-identity" : "lost";
    const forgotten = this.#backedUp.has(id) ? random.pick([usual, ...SET_BACK]) : usual;
    const kind = forgets ? forgotten : undefined;
    this.#later(lastsMs, () => {
      if (node.isDown) node.restart(kind === undefined ? undefined : this.#possible(id, kind));
    });
  }

  #pause(random: Random, lastsMs: number): void {
    const node = this.#sim.node(random.pick(this.#sim.nodes));
    if (!node.isUp || node.isPaused) return;
    node.pause();
    this.#later(lastsMs, () => node.resume());
  }

  #slow(random: Random, factorMax: number, lastsMs: number): void {
    const node = this.#sim.node(random.pick(this.#sim.nodes));
    node.slow(random.between(2, factorMax));
    this.#later(lastsMs, () => node.slow(1));
  }

  #slowDisk(random: Random, { syncMsMax }: { readonly syncMsMax: number }, lastsMs: number): void {
    const node = this.#sim.node(random.pick(this.#sim.nodes));
    node.slowDisk(random.between(1, syncMsMax));
    this.#later(lastsMs, () => node.quickDisk());
  }

  #fillDisk(random: Random, lastsMs: number): void {
    const node = this.#sim.node(random.pick(this.#sim.nodes));
    node.fillDisk();
    this.#later(lastsMs, () => node.freeDisk());
  }

  #damage(random: Random): void {
    if (this.#forgetful.length === 0 || this.#sim.keys.length === 0) return;
    this.#sim.node(random.pick(this.#forgetful)).damage(random.pick(this.#sim.keys));
  }

  #harm(random: Random, kinds: readonly Harm[]): void {
    if (this.#forgetful.length === 0) return;
    this.#sim.node(random.pick(this.#forgetful)).harm(random.pick(kinds));
  }

  #swapDisk(random: Random, { kinds }: { kinds: readonly DiskSwap[] }, lastsMs: number): void {
    if (this.#forgetful.length === 0) return;
    const id = random.pick(this.#forgetful);
    const node = this.#sim.node(id);
    const kind = random.pick(kinds);
    if (node.isDown) return;
    node.crash({ death: "machine" });
    this.#later(lastsMs, () => {
      if (node.isDown) node.restart(this.#possible(id, kind));
    });
  }

  /** Without a copy the disk is an empty one. */
  #possible(id: NodeId, kind: RestartKind): RestartKind {
    return SET_BACK.includes(kind) && !this.#backedUp.has(id) ? "new-identity" : kind;
  }

  /** The end of something that lasts, unless all of it has ended meanwhile. */
  #later(ms: number, action: () => void): void {
    this.#sim.after(ms, () => {
      if (!this.#isStopped) action();
    });
  }

  #backUp(random: Random): void {
    if (this.#forgetful.length === 0) return;
    const id = random.pick(this.#forgetful);
    this.#sim.node(id).backUp();
    this.#backedUp.add(id);
  }

  #jump(random: Random, jumpMsMax: number): void {
    const node = this.#sim.node(random.pick(this.#sim.nodes));
    node.jumpWall(random.between(-jumpMsMax, jumpMsMax));
  }
}
