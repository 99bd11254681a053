/**
 * The verbs of one node, as a test's author would say them. Each fault is counted.
 *
 *     sim.node("n2").crash()
 *     sim.node("n2").restart("lost")
 */
import { assert } from "../core/base/assert.ts";
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { RowEntry } from "../core/storage/engine.ts";
import type { Clients } from "./clients.ts";
import type { Connections } from "./connections.ts";
import type { RestartKind } from "./observer.ts";
import type { Recorder } from "./recorder.ts";
import type { DiskOptions } from "./storage.ts";
import type { SimulatedHost } from "./simulated-host.ts";

export interface NodeHandleSetup {
  readonly host: SimulatedHost;
  readonly connections: Connections;
  readonly clients: Clients;
  readonly recorder: Recorder;
  partitionOf(key: Key): number;
}

export class NodeHandle {
  readonly id: NodeId;
  readonly #setup: NodeHandleSetup;
  /** A restart may believe that nothing was lost. */
  #stoppedInOrder = false;
  /** How its disk was before it became slow. */
  #usualDisk: DiskOptions | undefined = undefined;

  constructor(setup: NodeHandleSetup) {
    this.id = setup.host.id;
    this.#setup = setup;
  }

  get isUp(): boolean {
    return this.#setup.host.isUp;
  }

  get isPaused(): boolean {
    return this.#setup.host.isPaused;
  }

  get rows(): readonly RowEntry[] {
    return [...this.#setup.host.engine.rows()];
  }

  /**
   * Kill -9: of what is not durable yet, any prefix survives. Silent: the peers are not told
   * either.
   */
  crash({ silent = false }: { readonly silent?: boolean } = {}): void {
    this.#assertUp("crash");
    this.#setup.recorder.fault(silent ? "crash-silent" : "crash", this.id);
    this.#setup.host.crash();
    this.onDown({ silent });
  }

  /** A stop in order; one that cannot be proven clean is restarted as `kept`. */
  stop(): void {
    this.#assertUp("stop");
    this.#setup.recorder.fault("stop", this.id);
    const isClean = this.#setup.host.stop();
    this.onDown({ silent: false });
    this.#stoppedInOrder = isClean;
  }

  /** By default with everything that survived the stop. */
  restart(kind: RestartKind = this.#stoppedInOrder ? "clean" : "kept"): void {
    assert(!this.isUp, `${this.id} is up and cannot be restarted`);
    assert(kind !== "clean" || this.#stoppedInOrder, `${this.id} did not stop in order`);
    this.#stoppedInOrder = false;
    this.#setup.recorder.fault(`restart-${kind}`, this.id);
    this.#setup.host.boot(kind);
    this.#setup.connections.refresh();
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
    const { engine } = this.#setup.host;
    this.#setup.recorder.fault("disk-slow", this.id);
    this.#usualDisk ??= engine.disk;
    engine.disk = { ...this.#usualDisk, syncMs };
  }

  quickDisk(): void {
    if (this.#usualDisk === undefined) return;
    this.#setup.host.engine.disk = this.#usualDisk;
    this.#usualDisk = undefined;
  }

  /** From now on every write is answered "full" and not stored, until `freeDisk`. */
  fillDisk(): void {
    this.#setup.recorder.fault("disk-full", this.id);
    this.#setup.host.engine.isFull = true;
  }

  freeDisk(): void {
    this.#setup.host.engine.isFull = false;
  }

  /** The row of this key cannot be read any more. False when there is none. */
  damage(key: Key): boolean {
    const damaged = this.#setup.host.engine.damage(this.#setup.partitionOf(key), key);
    if (damaged) this.#setup.recorder.fault("row-damaged", this.id, key);
    return damaged;
  }

  /** Somebody sets this machine's wall clock. */
  jumpWall(ms: number): void {
    this.#setup.recorder.fault("wall-jump", this.id);
    this.#setup.host.wall.jump(ms);
  }

  /** The host is down already: tell those who depend on it. */
  onDown({ silent }: { readonly silent: boolean }): void {
    this.#stoppedInOrder = false;
    this.#setup.connections.onStopped(this.#setup.host.index, { silent });
    this.#setup.clients.onStopped(this.#setup.host);
  }

  #assertUp(verb: string): void {
    assert(this.isUp, `${this.id} is down: it cannot ${verb}`);
  }
}
