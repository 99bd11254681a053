/**
 * Where members can be reached, by their own words: in a greeting, or in a rumour of themselves.
 *
 *     boot 4 at db2:7400  ─▶  boot 5 at db7:7400  ─▶  a late rumour: boot 4 at db2:7400
 *                             followed                 ignored
 *
 * An address is one boot's, and stays the same for as long as it runs. So the word of a later boot
 * replaces that of an earlier one, never the other way round; of one boot the first word counts,
 * since another one is a clone's. What was only written down, in the settings, is replaced by any.
 * A member of the ring that has moved is contacted at once.
 */
import type { Member } from "./members.ts";
import type { Seat } from "./seat.ts";

/** True when it is news: the member is somewhere else than this node believed. */
export function locate(
  { effects }: Seat,
  member: Member,
  generation: number,
  address: string,
): boolean {
  const { addressGeneration } = member;
  if (address === "" || generation < addressGeneration) return false;
  if (generation === addressGeneration && generation > 0) return false;
  member.addressGeneration = generation;
  if (member.address === address) return false;
  member.address = address;
  if (member.isRing) effects.contact(address, member.id);
  return true;
}
