/**
 * The verbs of one node, as a test's author would say them. Each fault is counted.
 *
 *     sim.node("n2").crash()
 *     sim.node("n2").restart("lost")
 */
import { assert } from "../core/base/assert.ts";
import { HINT_PARTITIONS } from "../core/handoff/hints.ts";
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { RowEntry } from "../core/storage/engine.ts";
import type { Clients } from "./clients.ts";
import type { Connections } from "./connections.ts";
import type { Boot, Death, Harm, StorageTrouble } from "./node-storage.ts";
import type { Recorder } from "./recorder.ts";
import type { SimulatedHost } from "./simulated-host.ts";

export interface NodeHandleSetup {
  readonly host: SimulatedHost;
  readonly connections: Connections;
  readonly clients: Clients;
  readonly recorder: Recorder;
  readonly partitionCount: number;
  partitionOf(key: Key): number;
}

export interface CrashOptions {
  readonly silent?: boolean;
  readonly death?: Death;
}

export class NodeHandle {
  readonly id: NodeId;
  readonly #setup: NodeHandleSetup;

  constructor(setup: NodeHandleSetup) {
    this.id = setup.host.id;
    this.#setup = setup;
  }

  get isUp(): boolean {
    return this.#setup.host.isUp;
  }

  /** Nothing of it runs, and nothing is about to: it can be restarted. */
  get isDown(): boolean {
    return this.#setup.host.isDown;
  }

  /** The latest wall time that it was told in this life. */
  get wallMs(): number {
    return this.#setup.host.wallMs;
  }

  get isPaused(): boolean {
    return this.#setup.host.isPaused;
  }

  get rows(): readonly RowEntry[] {
    return [...this.#setup.host.storage.rows()];
  }

  /** Keys of which it keeps something for other nodes; of one that is down nothing is known. */
  get hints(): readonly Key[] {
    const { host, partitionCount } = this.#setup;
    if (!host.isUp) return [];
    const keys: Key[] = [];
    for (let partition = 0; partition < partitionCount; partition++) {
      const { entries } = host.storage.scan(HINT_PARTITIONS + partition, undefined, Infinity);
      for (const { key } of entries) keys.push(key);
    }
    return keys;
  }

  /**
   * Kill -9, or the end of its machine: of what is not durable yet, any prefix survives. Silent:
   * the peers are not told either. One that is starting can be hit as well.
   */
  crash({ silent = false, death = "process" }: CrashOptions = {}): void {
    assert(!this.isDown, `${this.id} is down: it cannot crash`);
    this.#setup.recorder.fault(silent ? "crash-silent" : "crash", this.id);
    if (death === "machine") this.#setup.recorder.fault("machine-died", this.id);
    this.#setup.host.crash(death);
    this.onDown({ silent });
  }

  /** A stop in order; one that cannot be proven clean is restarted as `kept`. */
  stop(): void {
    this.#assertUp("stop");
    this.#setup.recorder.fault("stop", this.id);
    this.#setup.host.stop();
    this.onDown({ silent: false });
  }

  /** By default with everything that survived the stop. */
  restart(boot: Boot = "usual"): void {
    assert(this.isDown, `${this.id} is up and cannot be restarted`);
    this.#setup.host.boot(boot);
  }

  /** SIGSTOP: nothing is lost, everything waits. */
  pause(): void {
    this.#assertUp("pause");
    this.#setup.recorder.fault("pause", this.id);
    this.#setup.host.pause();
  }

  resume(): void {
    this.#setup.host.resume();
  }

  /** Every input takes `factor` times as long, and the next ones wait; 1 ends it. */
  slow(factor: number): void {
    if (factor > 1) this.#setup.recorder.fault("slow", this.id);
    this.#setup.host.slow(factor);
  }

  /** Every sync takes at least so long, until `quickDisk`. */
  slowDisk(syncMs: number): void {
    this.#setup.recorder.fault("disk-slow", this.id);
    this.#trouble.slow(syncMs);
  }

  quickDisk(): void {
    this.#trouble.quicken();
  }

  /** From now on what needs room is answered "full" and not stored, until `freeDisk`. */
  fillDisk(): void {
    this.#setup.recorder.fault("disk-full", this.id);
    this.#trouble.fill();
  }

  freeDisk(): void {
    this.#trouble.free();
  }

  /**
   * The row of this key cannot be read any more, or some place of a disk that is real enough. False
   * when no row was hit for certain.
   */
  damage(key: Key): boolean {
    const damaged = this.#trouble.damage(this.#setup.partitionOf(key), key);
    if (damaged) this.#setup.recorder.fault("row-damaged", this.id, key);
    return damaged;
  }

  /** Only for a disk that is real enough; the disk itself says when it did harm. */
  harm(harm: Harm): boolean {
    return this.#trouble.harm(harm);
  }

  /** A copy of the disk as it is, for a restart as `restored` or `copied`. */
  backUp(): void {
    this.#trouble.backUp();
  }

  /** Somebody sets this machine's wall clock. */
  jumpWall(ms: number): void {
    this.#setup.recorder.fault("wall-jump", this.id);
    this.#setup.host.wall.jump(ms);
  }

  /** The host is down already: tell those who depend on it. */
  onDown({ silent }: { readonly silent: boolean }): void {
    this.#setup.connections.onStopped(this.#setup.host.index, { silent });
    this.#setup.clients.onStopped(this.#setup.host);
  }

  get #trouble(): StorageTrouble {
    return this.#setup.host.storage.trouble;
  }

  #assertUp(verb: string): void {
    assert(this.isUp, `${this.id} is down: it cannot ${verb}`);
  }
}
