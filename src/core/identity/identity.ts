/**
 * Who a node is, as it is kept beside its rows: what a next process of the node must know so that
 * it never hands out a dot of this one again (law 6).
 *
 *     clusterId, nodeId   whose data this is: configuration that names another is refused
 *     actor               the identity of the data, drawn anew whenever the data may be older than
 *                         what it handed out
 *     generation          counts the boots, so that peers know the younger of two
 *     leaseEnd            no epoch from here on was ever handed out
 *     bootFloor           dots of epochs up to here may exist elsewhere and be lost here
 *     isClean             the process stopped in order, with everything stored
 *     isSettled           whether its rows may be believed: those that were put back may know what
 *                         the others have forgotten since, until that is found out (`settling.ts`)
 *     place               which directory this was written in; empty when the host cannot tell
 *     rows                how far the rows had come when this was written: at a boot, and at a stop
 *                         in order; undefined when nobody has said so yet
 *     layout              a digest of what its keys were placed by; empty when the host keeps none
 *
 * It is written before the node says a word, and again before every epoch beyond `leaseEnd`.
 */
import type { ActorId } from "../causality/actor.ts";
import type { StoreMark } from "../storage/store-mark.ts";

export interface Identity {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly actor: ActorId;
  readonly generation: number;
  readonly leaseEnd: number;
  readonly bootFloor: number;
  readonly isClean: boolean;
  readonly isSettled: boolean;
  /** Of one that is not settled: it ran before that was noticed, and may have been told an era. */
  readonly hasLaterEra?: true;
  readonly place: string;
  readonly rows: StoreMark | undefined;
  readonly layout: string;
}
