/**
 * Random clients: each reads, writes and deletes in a closed loop, with pauses to think.
 *
 * What it writes is unique in the run, so a value names its write. The context of a write is what
 * makes trouble: none at all, that of the client's last read, an older one, or one that another
 * client read. Some clients try again what failed, or write by way of an update, as the client
 * library does. Every key belongs to one bucket mode for the whole run.
 */
import type { Random } from "../core/base/random.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { BucketMode, Level, Operation } from "../core/requests.ts";
import type { Key } from "../core/ring/key.ts";
import type { Client } from "./client.ts";
import type { ClientOperation } from "./client-operation.ts";
import type { OperationOptions } from "./clients.ts";
import { keyIn } from "./clients.ts";
import type { Simulation } from "./simulation.ts";
import { Update } from "./update.ts";

export interface WorkloadOptions {
  readonly clients: number;
  readonly keys: number;
  /** Key number i is in bucket mode i modulo the length. */
  readonly modes: readonly BucketMode[];
  readonly thinkMsMean: number;
  /** No client starts another operation after so many. */
  readonly operationsMax: number;
  /** Weights of the three operations. */
  readonly gets: number;
  readonly puts: number;
  readonly deletes: number;
  /** Probability that a write brings a context; of those, that it is an old or a borrowed one. */
  readonly contextRate: number;
  readonly oldContextRate: number;
  readonly foreignContextRate: number;
  /** Drawn for each request; a level may stand here more than once. */
  readonly r: readonly Level[];
  readonly w: readonly Level[];
  /** Probability that a client goes to an owner of the key and not just to any node. */
  readonly ownerRate: number;
  readonly timeoutMs: readonly number[];
  /** How often to try again: drawn for each request. */
  readonly retries: readonly number[];
  /** Probability that a write is an update, which takes the context of a read of its own. */
  readonly updateRate: number;
  /** Probability that an operation is one of a session. */
  readonly sessionRate: number;
  /** The share of the puts that expire, after so long at most. */
  readonly expiryRate: number;
  readonly ttlMsMax: number;
  /** Numbers of steps that are drawn and not done: how a failing run is made smaller. */
  readonly skipped: readonly number[];
}

/** A key as a client names it, and as the cluster does. */
export interface Place {
  readonly key: string;
  readonly mode: BucketMode;
  readonly id: Key;
}

/** One client and where it is. Its draws are its own; how it asks is drawn apart. */
interface Loop {
  readonly number: number;
  readonly client: Client;
  readonly random: Random;
  readonly manners: Random;
  readonly sessions: Random;
  readonly lives: Random;
  /** By key, latest last. */
  readonly contexts: Map<string, Uint8Array[]>;
  steps: number;
}

/** How many contexts of a key a client remembers. */
const CONTEXTS_KEPT = 4;

/** One step of a client's loop, drawn whole: what is skipped draws as much as what is done. */
interface Step {
  readonly operation: Operation;
  readonly place: Place;
  readonly options: OperationOptions;
  readonly updates: boolean;
  /** Of a put. */
  readonly ttlMs: number;
}

export class Workload {
  readonly #sim: Simulation;
  readonly #options: WorkloadOptions;
  readonly #places: readonly Place[];
  readonly #loops: readonly Loop[];
  readonly #skipped: ReadonlySet<number>;
  #done = 0;
  #isStopped = false;

  constructor(sim: Simulation, random: Random, options: WorkloadOptions) {
    this.#sim = sim;
    this.#options = options;
    this.#places = Workload.places(options);
    this.#skipped = new Set(options.skipped);
    this.#loops = Array.from({ length: options.clients }, (_, number) => ({
      number,
      client: sim.client(`c${number + 1}`),
      random: random.fork(`client ${number}`),
      manners: random.fork(`manners ${number}`),
      sessions: random.fork(`sessions ${number}`),
      lives: random.fork(`lives ${number}`),
      contexts: new Map<string, Uint8Array[]>(),
      steps: 0,
    }));
  }

  start(): void {
    for (const loop of this.#loops) this.#think(loop);
  }

  /** Operations under way end and are not tried again, no further one begins. */
  stop(): void {
    this.#isStopped = true;
    for (const { client } of this.#loops) client.close();
  }

  /** Numbers of the steps that were taken, skipped ones left out: what `skipped` may name. */
  get stepsDone(): readonly number[] {
    return this.#loops.flatMap((loop) =>
      Array.from({ length: loop.steps }, (_, step) => this.#numberOf(loop, step)).filter(
        (number) => !this.#skipped.has(number),
      ),
    );
  }

  /** The keys of the run with their bucket modes, also those that no client came to. */
  static places({ keys, modes }: WorkloadOptions): readonly Place[] {
    return Array.from({ length: keys }, (_, index) => {
      const key = `k${index}`;
      const mode = modes[index % modes.length]!;
      return { key, mode, id: keyIn(mode, key) };
    });
  }

  #think(loop: Loop): void {
    if (this.#isStopped || this.#done >= this.#options.operationsMax) return;
    const waitMs = loop.random.exponential(this.#options.thinkMsMean);
    this.#sim.after(waitMs, () => this.#act(loop));
  }

  #act(loop: Loop): void {
    if (this.#isStopped || this.#done >= this.#options.operationsMax) return;
    const number = this.#numberOf(loop, loop.steps++);
    const step = this.#drawStep(loop);
    if (this.#skipped.has(number)) return this.#think(loop);
    this.#done++;
    const onDone = (last: ClientOperation): void => {
      remember(loop, step.place.key, last.context);
      this.#think(loop);
    };
    if (step.updates) return this.#update(loop, number, step, onDone);
    const started = this.#ask(loop, number, step);
    // A node that refuses at once has answered before anybody could listen.
    if (started.isDone) onDone(started);
    else started.onDone = () => onDone(started);
  }

  /** The same whatever the other clients do, and however long anything takes. */
  #numberOf(loop: Loop, step: number): number {
    return step * this.#options.clients + loop.number;
  }

  #ask({ client }: Loop, number: number, step: Step): ClientOperation {
    const { operation, options } = step;
    const { key } = step.place;
    if (operation === "get") return client.get(key, options);
    if (operation === "delete") return client.delete(key, options);
    return client.put(key, valueOf(client, number), { ...options, ttlMs: step.ttlMs });
  }

  #update(
    { client }: Loop,
    number: number,
    { operation, place, options }: Step,
    onDone: (last: ClientOperation) => void,
  ): void {
    // A round that starts over has stored nothing, and writes a value of its own all the same.
    const change = (round: number): string | undefined =>
      operation === "delete" ? undefined : `${valueOf(client, number)}+${round}`;
    new Update({ client, key: place.key, options, change, clock: this.#sim, onDone }).start();
  }

  #drawStep(loop: Loop): Step {
    const { random, manners, sessions } = loop;
    const { r, w, timeoutMs, retries, updateRate, sessionRate } = this.#options;
    const place = random.pick(this.#places);
    const operation = this.#drawOperation(random);
    const node = this.#drawNode(random, place);
    const context = this.#drawContext(loop, place.key);
    const drawn: OperationOptions = {
      node,
      mode: place.mode,
      r: random.pick(r),
      w: random.pick(w),
      timeoutMs: random.pick(timeoutMs),
      retries: manners.pick(retries),
      session: sessions.chance(sessionRate),
    };
    const updates = manners.chance(updateRate) && operation !== "get";
    const withContext = operation !== "get" && !updates && context.length > 0;
    const options = withContext ? { ...drawn, context } : drawn;
    return { operation, place, options, updates, ttlMs: this.#drawLife(loop) };
  }

  #drawLife({ lives }: Loop): number {
    const { expiryRate, ttlMsMax } = this.#options;
    const life = 1 + lives.integer(ttlMsMax);
    return lives.chance(expiryRate) ? life : 0;
  }

  #drawOperation(random: Random): Operation {
    const { gets, puts, deletes } = this.#options;
    const draw = random.fraction() * (gets + puts + deletes);
    if (draw < gets) return "get";
    return draw < gets + puts ? "put" : "delete";
  }

  #drawNode(random: Random, { id }: Place): string {
    const { nodes } = this.#sim;
    const owner = random.pick(this.#sim.owners(id));
    const first = random.integer(nodes.length);
    if (random.chance(this.#options.ownerRate)) return owner;
    // Whoever does not insist on an owner turns to a node that is up, if there is one.
    for (let turn = 0; turn < nodes.length; turn++) {
      const node = nodes[(first + turn) % nodes.length]!;
      if (this.#sim.isUp(node)) return node;
    }
    return nodes[first]!;
  }

  #drawContext(loop: Loop, key: string): Uint8Array {
    const { random } = loop;
    const { contextRate, oldContextRate, foreignContextRate } = this.#options;
    const brings = random.chance(contextRate);
    const borrows = random.chance(foreignContextRate);
    const lender = random.pick(this.#loops);
    const isOld = random.chance(oldContextRate);
    const age = random.integer(CONTEXTS_KEPT);
    const contexts = (borrows ? lender : loop).contexts.get(key);
    if (!brings || contexts === undefined) return EMPTY_BYTES;
    return contexts[isOld ? age % contexts.length : contexts.length - 1]!;
  }
}

/** Lengths differ, so that a row that is cut or padded somewhere cannot go unnoticed. */
function valueOf(client: Client, number: number): string {
  return `${client.name}.${number}${"-".repeat(number % 7)}`;
}

function remember({ contexts }: Loop, key: string, context: Uint8Array): void {
  if (context.length === 0) return;
  const known = contexts.get(key);
  if (known === undefined) contexts.set(key, [context]);
  else if (known.push(context) > CONTEXTS_KEPT) known.shift();
}
