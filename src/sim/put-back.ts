/**
 * What a host does whose rows were put back, before there is a node: it asks the others, again and
 * again, until it knows whether they count (`core/identity/settling.ts`).
 *
 *     opened ──▶ asks ──answers──▶ keep       durable that they are settled, then the node begins
 *                 ▲                give up    as a disk that is lost
 *                 └── wait         operator   after a while somebody comes
 */
import { type EraAnswer, Settling } from "../core/identity/settling.ts";
import { Eras } from "../core/purge/eras.ts";
import type { NodeStorage, OpenedStorage } from "./node-storage.ts";

export interface PutBackSetup {
  readonly storage: NodeStorage;
  /** How many further members there are. */
  readonly others: number;
  later(delayMs: number, action: () => void): void;
  count(name: string): void;
  /** Leads to `hear`. */
  ask(): void;
  begin(opened: OpenedStorage): void;
  giveUp(): void;
  /** Nobody who could say more is going to. */
  callOperator(): void;
}

const ASK_EVERY_MS = 200;
/** So often is it asked in vain before somebody comes. */
const ASKED_IN_VAIN_MAX = 25;

export class PutBack {
  readonly #setup: PutBackSetup;
  #opened: OpenedStorage | undefined = undefined;
  #askedInVain = 0;
  /** Of the asking: what belongs to an earlier one is void. */
  #number = 0;

  constructor(setup: PutBackSetup) {
    this.#setup = setup;
  }

  get isWaiting(): boolean {
    return this.#opened !== undefined;
  }

  /** What it says itself to others who ask. */
  get answer(): EraAnswer | undefined {
    return this.isWaiting ? { era: this.#ownEra, isSettled: false } : undefined;
  }

  start(opened: OpenedStorage): void {
    this.#opened = opened;
    this.#askedInVain = 0;
    this.#number++;
    this.#setup.ask();
  }

  /** The process ends. */
  forget(): void {
    this.#opened = undefined;
    this.#number++;
  }

  /** What the others have answered, those that have. */
  hear(answers: readonly EraAnswer[]): void {
    const opened = this.#opened!;
    const setup = this.#setup;
    const verdict = new Settling(this.#ownEra, setup.others).verdict(answers);
    this.#askedInVain = verdict === "operator" ? this.#askedInVain + 1 : 0;
    if (verdict !== "wait") setup.count(`rows-put-back/${verdict}`);
    if (verdict === "keep") this.#settle(opened);
    else if (verdict === "give-up") setup.giveUp();
    else if (this.#askedInVain > ASKED_IN_VAIN_MAX) setup.callOperator();
    else this.#askLater();
  }

  get #ownEra(): number {
    return new Eras(this.#setup.storage).durable;
  }

  #settle(opened: OpenedStorage): void {
    const number = this.#number;
    this.#setup.storage.settle((isDurable) => {
      if (number !== this.#number) return;
      if (!isDurable) return this.#askLater();
      this.forget();
      // Whoever watches knows already what the restart has found.
      this.#setup.begin({ ...opened, restart: undefined });
    });
  }

  #askLater(): void {
    const number = this.#number;
    this.#setup.later(ASK_EVERY_MS, () => {
      if (number === this.#number) this.#setup.ask();
    });
  }
}
