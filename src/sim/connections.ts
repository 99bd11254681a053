/**
 * Who has a connection to whom, as the transport of each node tells it: with `hello` and `goodbye`.
 *
 *     both up, link not cut ──connectMs──▶ hello to both
 *     one stops ──goodbyeMs──▶ goodbye to the survivor, unless it died silently or the link is cut
 *     link cut, or silent death ──▶ nothing; with `timeoutMs`, goodbye when it lasts so long
 *     heal, restart ──▶ connects again; a goodbye that could not pass is delivered now
 *
 * Each connection has a number, so that the end of an old one is never taken for the end of its
 * successor.
 */
import type { Message } from "../core/messages.ts";
import { GOODBYE } from "../core/messages.ts";
import type { Network } from "./network.ts";
import type { Scheduler } from "./scheduler.ts";

export interface ConnectionOptions {
  readonly connectMs: number;
  readonly goodbyeMs: number;
  /** How long a connection over a cut link lasts; for ever without. */
  readonly timeoutMs: number | undefined;
}

export const USUAL_CONNECTIONS: ConnectionOptions = {
  connectMs: 2,
  goodbyeMs: 1,
  timeoutMs: undefined,
};

/** The machines at the two ends. */
export interface Ends {
  readonly count: number;
  isUp(node: number): boolean;
  helloOf(node: number): Message;
  receive(source: number, target: number, message: Message): void;
}

class Pair {
  readonly one: number;
  readonly other: number;
  number = 0;
  isOpen = false;
  isConnecting = false;
  isTiming = false;
  /** The survivor that has not heard of the end yet; -1 for none. */
  owed = -1;

  constructor(one: number, other: number) {
    this.one = one;
    this.other = other;
  }
}

export class Connections {
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #ends: Ends;
  readonly #options: ConnectionOptions;
  readonly #pairs: Pair[] = [];

  constructor(
    scheduler: Scheduler,
    network: Network,
    { ends, options }: { readonly ends: Ends; readonly options: ConnectionOptions },
  ) {
    this.#scheduler = scheduler;
    this.#network = network;
    this.#ends = ends;
    this.#options = options;
    for (let one = 0; one < ends.count; one++) {
      for (let other = one + 1; other < ends.count; other++) this.#pairs.push(new Pair(one, other));
    }
  }

  /** Call whenever a node has come up or links were cut or healed. */
  refresh(): void {
    for (const pair of this.#pairs) {
      const passes = this.#network.isConnected(pair.one, pair.other);
      if (pair.isOpen && !passes) this.#startTimeout(pair);
      if (!pair.isOpen && passes && this.#bothUp(pair)) this.#startConnecting(pair);
      if (pair.owed >= 0 && passes) this.#sayGoodbye(pair, pair.owed, this.#options.goodbyeMs);
    }
  }

  /** A node has stopped: its connections end, and the others learn of it, or not. */
  onStopped(node: number, { silent }: { readonly silent: boolean }): void {
    for (const pair of this.#pairs) {
      if (pair.one !== node && pair.other !== node) continue;
      if (!pair.isOpen) continue;
      pair.isOpen = false;
      const delayMs = silent ? this.#options.timeoutMs : this.#options.goodbyeMs;
      const survivor = pair.one === node ? pair.other : pair.one;
      if (delayMs !== undefined) this.#sayGoodbye(pair, survivor, delayMs);
    }
  }

  #startConnecting(pair: Pair): void {
    if (pair.isConnecting) return;
    pair.isConnecting = true;
    this.#scheduler.act(this.#options.connectMs, () => {
      pair.isConnecting = false;
      const { one, other } = pair;
      if (pair.isOpen || !this.#bothUp(pair) || !this.#network.isConnected(one, other)) return;
      pair.isOpen = true;
      pair.number++;
      pair.owed = -1;
      this.#ends.receive(one, other, this.#ends.helloOf(one));
      this.#ends.receive(other, one, this.#ends.helloOf(other));
    });
  }

  #startTimeout(pair: Pair): void {
    const { timeoutMs } = this.#options;
    if (timeoutMs === undefined || pair.isTiming) return;
    pair.isTiming = true;
    const { number, one, other } = pair;
    this.#scheduler.act(timeoutMs, () => {
      pair.isTiming = false;
      if (!pair.isOpen || pair.number !== number) return this.refresh();
      if (this.#network.isConnected(one, other)) return;
      pair.isOpen = false;
      this.#ends.receive(one, other, GOODBYE);
      this.#ends.receive(other, one, GOODBYE);
    });
  }

  #sayGoodbye(pair: Pair, survivor: number, delayMs: number): void {
    const { number } = pair;
    pair.owed = -1;
    this.#scheduler.act(delayMs, () => {
      if (pair.isOpen || pair.number !== number) return;
      if (!this.#network.isConnected(pair.one, pair.other)) {
        pair.owed = survivor;
        return;
      }
      this.#ends.receive(survivor === pair.one ? pair.other : pair.one, survivor, GOODBYE);
    });
  }

  #bothUp(pair: Pair): boolean {
    return this.#ends.isUp(pair.one) && this.#ends.isUp(pair.other);
  }
}
