/**
 * What a boot makes of the identity it finds. A repeated (actor, epoch) makes a new write look like
 * an old one, and acknowledged writes disappear; a needless new one costs an entry in some vectors.
 * So whenever in doubt the node takes another actor, or raises its floor.
 *
 *     stored                       actor   generation      epochs from     boot floor
 *     nothing           first      new     wall clock      1               0
 *     clean, same place clean      kept    + 1             leaseEnd        kept
 *     not clean         unclean    kept    + 1             leaseEnd + 1    leaseEnd
 *     other place       copied     new     wall clock      1               0
 *     from a backup     restored   new     wall clock      1               0
 *     rows set back     restored   new     wall clock      1               0
 *     peer knows more   outlived   new     wall clock      1               0
 *     no copy readable  damaged    new     wall clock      1               0
 *     lease at its end  exhausted  new     wall clock      1               0
 *
 * - `first`: nobody has seen the drawn actor. The wall clock puts the generation above those of a
 *   node of the same name whose disk is gone.
 * - `clean`: everything handed out is stored. What is left of the lease is skipped, not counted.
 * - `unclean`: the process died, or the engine says that it lost something. The end of what was
 *   stored may be gone while its dots are on other nodes: no epoch up to the floor is used again.
 *   The floor is kept by every later boot, since a clean stop brings nothing back.
 * - `copied`, `restored`: another process may go on as the same actor, or has. No floor helps, for
 *   nobody knows how far that one got. Rows that are older than the identity beside them were put
 *   back by themselves (`storage/store-mark.ts`), and nobody knows what else was.
 * - `outlived`: a peer has refused the stored boot, because it knows the same or a younger one. The
 *   disk was set back under the node.
 * - `damaged`: neither the actor nor its lease is known any more.
 * - `exhausted`: the epochs of an actor have 48 bits, and a block must fit.
 *
 * Rows that may have been put back are not settled (`settling.ts`): those of a boot that is
 * `copied`, `restored`, `outlived` or `damaged`, those that have lost their identity (`first`), and
 * those that were not settled before. Without any rows there is nothing to settle.
 *
 * Generations only grow: whatever the wall clock says, the next is above the stored one and above
 * the one a peer knows. A new actor takes the clock where that is higher, so that peers that saw
 * more of the old one than is stored here do not refuse it. A directory of another cluster or
 * another node is a mistake of the operator: a sentence, and nothing is written.
 */
import { assert } from "../base/assert.ts";
import type { ActorId } from "../causality/actor.ts";
import { EPOCH_MAX, sameIdentity } from "../causality/actor.ts";
import { EpochLease, LEASE_BLOCK } from "../replica/epochs.ts";
import { isBehind, type StoreMark } from "../storage/store-mark.ts";
import type { StoredIdentity } from "./identity-file.ts";
import type { Identity } from "./identity.ts";

export interface Boot {
  readonly clusterId: string;
  readonly nodeId: string;
  /** Drawn for this boot, used when it may not go on as the stored one. */
  readonly freshActor: ActorId;
  readonly wallMs: number;
  /** Names the directory; undefined when the host cannot tell, which is never a mismatch. */
  readonly place: string | undefined;
  /** The engine found less than was written to it: a torn tail, a damaged row. */
  readonly engineLost: boolean;
  /** How far the rows have come; undefined where nobody has looked yet. */
  readonly rows: StoreMark | undefined;
  /** A digest of what keys are placed by; empty where nobody keeps one. */
  readonly layout: string;
  /** The operator says that the directory comes from a backup. */
  readonly restored: boolean;
  /** The generation of this node that a peer named when it refused the stored boot. */
  readonly knownGeneration: number | undefined;
}

export type BootReason =
  | "first"
  | "clean"
  | "unclean"
  | "copied"
  | "restored"
  | "outlived"
  | "damaged"
  | "exhausted";

export interface BootDecision {
  readonly reason: BootReason;
  /** To be made durable before the node says anything. */
  readonly identity: Identity;
  /** The epochs of this run, all below the identity's `leaseEnd`. */
  readonly lease: EpochLease;
}

/** Or the sentence why this node does not boot on that data. */
export function decideBoot(
  stored: StoredIdentity,
  boot: Boot,
): BootDecision | { readonly problem: string } {
  switch (stored.kind) {
    case "newer":
      return { problem: newerProblem(stored.version) };
    case "nothing":
      return asNewActor("first", undefined, boot);
    case "damaged":
      return asNewActor("damaged", undefined, boot);
    case "found": {
      const { identity } = stored;
      const problem = ownershipProblem(identity, boot);
      if (problem !== undefined) return { problem };
      const reason = distrust(identity, boot);
      if (reason !== undefined) return asNewActor(reason, identity, boot);
      return asBefore(identity, boot);
    }
  }
}

/** Why the stored actor may not go on, if so. */
function distrust(stored: Identity, boot: Boot): BootReason | undefined {
  if (boot.restored || isBehind(boot.rows, stored.rows)) return "restored";
  if (boot.place !== undefined && stored.place !== "" && boot.place !== stored.place) {
    return "copied";
  }
  const known = boot.knownGeneration;
  if (known !== undefined && known >= stored.generation) return "outlived";
  return stored.leaseEnd + 1 + LEASE_BLOCK > EPOCH_MAX ? "exhausted" : undefined;
}

function asBefore(stored: Identity, boot: Boot): BootDecision {
  const isClean = stored.isClean && !boot.engineLost;
  return decision(isClean ? "clean" : "unclean", boot, {
    actor: stored.actor,
    generation: stored.generation + 1,
    // The end of a lease was not handed out, but as a floor it forbids itself too.
    next: isClean ? stored.leaseEnd : stored.leaseEnd + 1,
    bootFloor: isClean ? stored.bootFloor : stored.leaseEnd,
    place: boot.place ?? stored.place,
    rows: boot.rows ?? stored.rows,
    isSettled: stored.isSettled || !hasRows(boot),
    ...eraOf(stored),
  });
}

function asNewActor(reason: BootReason, stored: Identity | undefined, boot: Boot): BootDecision {
  const actor = boot.freshActor;
  assert(stored === undefined || !sameIdentity(actor, stored.actor), "a fresh actor is not stored");
  const known = Math.max(stored?.generation ?? 0, boot.knownGeneration ?? 0) + 1;
  return decision(reason, boot, {
    actor,
    generation: Math.max(known, boot.wallMs),
    next: 1,
    bootFloor: 0,
    place: boot.place ?? "",
    rows: boot.rows,
    isSettled: (reason === "exhausted" && stored?.isSettled === true) || !hasRows(boot),
    ...eraOf(stored),
  });
}

/** What was doubtful stays so, until the rows are settled. */
function eraOf(stored: Identity | undefined): Pick<Identity, "hasLaterEra"> {
  return stored?.hasLaterEra === true && !stored.isSettled ? { hasLaterEra: true } : {};
}

/** Where nobody has looked yet, there may be some. */
function hasRows({ rows }: Boot): boolean {
  return rows === undefined || rows.writes > 0;
}

interface Origin {
  readonly actor: ActorId;
  readonly generation: number;
  readonly next: number;
  readonly bootFloor: number;
  readonly place: string;
  readonly rows: StoreMark | undefined;
  readonly isSettled: boolean;
  readonly hasLaterEra?: true;
}

function decision(
  reason: BootReason,
  { clusterId, nodeId, layout }: Boot,
  { next, ...origin }: Origin,
): BootDecision {
  const leaseEnd = next + LEASE_BLOCK;
  return {
    reason,
    identity: { clusterId, nodeId, ...origin, leaseEnd, isClean: false, layout },
    lease: new EpochLease({ next, end: leaseEnd, bootFloor: origin.bootFloor }),
  };
}

function ownershipProblem(stored: Identity, boot: Boot): string | undefined {
  if (stored.clusterId !== boot.clusterId) {
    return differs("cluster", stored.clusterId, boot.clusterId);
  }
  return stored.nodeId === boot.nodeId ? undefined : differs("node", stored.nodeId, boot.nodeId);
}

function differs(what: string, stored: string, asked: string): string {
  return (
    `this data belongs to the ${what} "${stored}", and the configuration names the ${what} ` +
    `"${asked}": give this ${what} a directory of its own, or correct the name`
  );
}

function newerProblem(version: number): string {
  return (
    `the identity stored here has format version ${version}, which a later release wrote: ` +
    "start that release, or give this one a directory of its own"
  );
}
