/**
 * Assertions: the line between a bug and an expected outcome.
 *
 * A failed assertion means the program is wrong, so the node that meets one stops and says why (law
 * 9). They stay on in production: a node that carries on with unknown state is worse than one that
 * is down. Anything a peer, a client or a disk can cause is an outcome, never an assertion.
 */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/**
 * The end of a switch over a union: the compiler proves it is never reached, this stops us if it
 * was wrong.
 */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable case: ${String(value)}`);
}
