/**
 * A comparison that was asked for, followed to its end.
 *
 * The nodes go on by themselves, so to stop watching stops nothing. There is no more to watch when
 * all pairs are proven in sync, or when those that are left wait for a node that cannot be reached
 * or for rows that cannot be read. A node that is started again has forgotten what it was asked:
 * then it is asked again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteClient } from "../client/remote-client.ts";
import type { PairState, RepairOrder, RepairReport } from "../core/repair-orders.ts";
import { leftOf } from "../core/repair-orders.ts";
import type { LayoutNode } from "../core/ring/layout.ts";
import { Progress } from "./progress.ts";
import type { NodeRepair } from "./repair-view.ts";
import { askNodes } from "./repair-view.ts";

export interface RepairWatch {
  readonly nodes: readonly LayoutNode[];
  readonly partition: number | undefined;
  readonly timeoutMs: number;
  /** Told to stop, or long enough. */
  readonly isOver: () => boolean;
}

/** Of one node since it was asked. */
export interface NodeRun {
  readonly node: LayoutNode;
  /** Why it has not answered when it was asked last; empty when it has. */
  readonly reason: string;
  readonly asked: number;
  readonly left: ReadonlyMap<PairState, number>;
  readonly keysMoved: number;
  readonly keysUnchanged: number;
}

const LOOK_EVERY_MS = 250;
/** So long without any change: longer than a pair that failed waits to be tried again. */
const STALLED_MS = 60_000;
const GIVEN_UP: readonly PairState[] = ["away", "stuck"];

export class RepairRun {
  readonly #client: RemoteClient;
  readonly #watch: RepairWatch;
  readonly #runs: Map<string, Run> = new Map();
  #isStalled = false;

  static async start(client: RemoteClient, watch: RepairWatch): Promise<RepairRun> {
    const run = new RepairRun(client, watch);
    for (const told of await run.#ask("compare", watch.nodes)) {
      run.#runs.set(told.node.id, new Run(told));
    }
    return run;
  }

  private constructor(client: RemoteClient, watch: RepairWatch) {
    this.#client = client;
    this.#watch = watch;
  }

  get nodes(): readonly NodeRun[] {
    return [...this.#runs.values()];
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  get asked(): number {
    return this.#sum(({ asked }) => asked);
  }

  get left(): number {
    return this.#sum(({ leftCount }) => leftCount);
  }

  get keysMoved(): number {
    return this.#sum(({ keysMoved }) => keysMoved);
  }

  get keysUnchanged(): number {
    return this.#sum(({ keysUnchanged }) => keysUnchanged);
  }

  /** Comes back when there is nothing more to see. */
  async follow(): Promise<void> {
    const progress = new Progress(this.asked, "pairs");
    let done = 0;
    let before = "";
    let movedAt = performance.now();
    while (!this.#watch.isOver() && !this.#isEnded) {
      await sleep(LOOK_EVERY_MS);
      await this.#look();
      for (; done < this.asked - this.left; done++) progress.step(this.#extra);
      progress.tell(this.#extra);
      const state = `${this.left} ${this.keysMoved} ${this.#isBuilding}`;
      if (state !== before || this.#isBuilding) movedAt = performance.now();
      before = state;
      this.#isStalled = performance.now() - movedAt > STALLED_MS;
      if (this.#isStalled) break;
    }
    progress.end();
  }

  get #extra(): string {
    return `${this.keysMoved} keys moved`;
  }

  get #isEnded(): boolean {
    for (const { left } of this.#runs.values()) {
      for (const state of left.keys()) if (!GIVEN_UP.includes(state)) return false;
    }
    return true;
  }

  /** A tree is made of its rows: it takes as long as it takes. */
  get #isBuilding(): boolean {
    return this.nodes.some(({ left }) => left.has("building"));
  }

  async #look(): Promise<void> {
    const asked = this.#watch.nodes.filter(({ id }) => this.#runs.get(id)!.isAsked);
    const forgot: LayoutNode[] = [];
    for (const told of await this.#ask("look", asked)) {
      if (!this.#runs.get(told.node.id)!.onTold(told)) forgot.push(told.node);
    }
    for (const told of await this.#ask("compare", forgot)) {
      this.#runs.get(told.node.id)!.onAskedAgain(told);
    }
  }

  #ask(kind: RepairOrder["kind"], nodes: readonly LayoutNode[]): Promise<readonly NodeRepair[]> {
    const { partition, timeoutMs } = this.#watch;
    return askNodes(this.#client, nodes, { kind, partition, from: 0 }, timeoutMs);
  }

  #sum(of: (run: Run) => number): number {
    let sum = 0;
    for (const run of this.#runs.values()) sum += of(run);
    return sum;
  }
}

class Run implements NodeRun {
  readonly node: LayoutNode;
  readonly asked: number;
  reason: string;
  left: ReadonlyMap<PairState, number>;
  leftCount: number;
  keysMoved = 0;
  keysUnchanged = 0;
  /** What it said when it was last asked to compare: the beginning of what is counted. */
  #first: RepairReport | undefined;
  /** Moved in a life before that. */
  #movedBefore = 0;
  #unchangedBefore = 0;

  constructor({ node, report, reason }: NodeRepair) {
    this.node = node;
    this.reason = reason;
    this.#first = report;
    this.left = report?.left ?? new Map();
    this.leftCount = report === undefined ? 0 : leftOf(report);
    this.asked = this.leftCount;
  }

  /** One that did not answer then was never asked. */
  get isAsked(): boolean {
    return this.#first !== undefined;
  }

  /** False when the node has forgotten that it was asked. */
  onTold({ report, reason }: NodeRepair): boolean {
    this.reason = reason;
    if (report === undefined) return true;
    const first = this.#first!;
    if (report.generation !== first.generation) return false;
    this.left = report.left;
    this.leftCount = Math.min(leftOf(report), this.asked);
    const moved = Math.max(0, report.keysMoved - first.keysMoved);
    const unchanged = Math.max(0, report.keysUnchanged - first.keysUnchanged);
    this.keysMoved = this.#movedBefore + moved;
    this.keysUnchanged = this.#unchangedBefore + unchanged;
    return true;
  }

  onAskedAgain(told: NodeRepair): void {
    this.reason = told.reason;
    if (told.report === undefined) return;
    this.#first = told.report;
    this.#movedBefore = this.keysMoved;
    this.#unchangedBefore = this.keysUnchanged;
    this.onTold(told);
  }
}
