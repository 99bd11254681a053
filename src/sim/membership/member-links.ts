/**
 * Who can be dialled, in a cluster whose members know each other's names and not their addresses.
 *
 * Of two the smaller id dials. So they are connected when it knows where the other is now; what it
 * knew in an earlier boot it has forgotten.
 */
import type { MemberProcess } from "./member-process.ts";

export class MemberLinks {
  readonly #known: Map<MemberProcess, Map<MemberProcess, string>> = new Map();

  know(knower: MemberProcess, other: MemberProcess, address: string): void {
    const known = this.#known.get(knower) ?? new Map<MemberProcess, string>();
    this.#known.set(knower, known.set(other, address));
  }

  forget(knower: MemberProcess): void {
    this.#known.delete(knower);
  }

  areLinked(one: MemberProcess, other: MemberProcess): boolean {
    const [dialler, dialled] = one.id < other.id ? [one, other] : [other, one];
    return this.#known.get(dialler)?.get(dialled) === dialled.address;
  }
}
