/**
 * What this node says of itself: its boot, its incarnation, and whether it has left.
 *
 * Nobody else raises an incarnation. Whoever is accused outbids the accusation, and the order of
 * `members.ts` does the rest. A node that has left refutes nothing any more.
 */
import { assert } from "../base/assert.ts";
import { hash32OfString } from "../base/hash.ts";
import type { Rumour, Speaker } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";

const CLUSTER_SEED = 0x6772_6d65;

export interface OwnIdentity {
  readonly self: NodeId;
  readonly clusterId: string;
  /** Of this boot, from 1. */
  readonly generation: number;
  readonly address: string;
}

export class OwnSelf {
  readonly id: NodeId;
  readonly address: string;
  #speaker: Speaker;
  #hasLeft = false;

  constructor({ self, clusterId, generation, address }: OwnIdentity, boot: number) {
    assert(Number.isSafeInteger(generation) && generation >= 1, `a boot of number ${generation}`);
    this.id = self;
    this.address = address;
    const cluster = hash32OfString(clusterId, CLUSTER_SEED);
    this.#speaker = { cluster, generation, boot, incarnation: 0 };
  }

  get speaker(): Speaker {
    return this.#speaker;
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  get rumour(): Rumour {
    const { generation, boot, incarnation } = this.#speaker;
    const state = this.#hasLeft ? "left" : "alive";
    return {
      id: this.id,
      state,
      generation,
      boot,
      incarnation,
      address: this.address,
      accuser: "",
    };
  }

  leave(): void {
    this.#hasLeft = true;
  }

  /** Outbids an accusation of this incarnation. */
  refute(accused: number): void {
    const incarnation = Math.max(this.#speaker.incarnation, accused) + 1;
    this.#speaker = { ...this.#speaker, incarnation };
  }
}
