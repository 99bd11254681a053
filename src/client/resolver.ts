/**
 * A rule that makes one value of concurrent ones, with a name that errors can call it by.
 *
 * Clients run it when they read, not the nodes: so every program that opens the bucket must bring
 * the same rule, and the rule must not care about order or repetition. Given siblings in any order,
 * and merging merged values again, it must come to the same value: unions and maxima do, sums and
 * "the first" do not.
 */
import { GrammeError } from "./gramme-error.ts";

export interface Resolver<V> {
  readonly name: string;
  /** Of two or more siblings, newest first. */
  readonly resolve: (siblings: readonly V[]) => V;
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

export function resolver<V>(name: string, resolve: (siblings: readonly V[]) => V): Resolver<V> {
  if (!NAME.test(name)) {
    const shown = JSON.stringify(name);
    const problem = `a resolver name has 1 to 64 characters of A-Z a-z 0-9 . _ -, got ${shown}`;
    throw new GrammeError("INVALID_ARGUMENT", problem, { hint: "Name it like cart-union" });
  }
  return { name, resolve };
}

export function resolveWith<V>(rule: Resolver<V>, siblings: readonly V[], key: string): V {
  try {
    return rule.resolve(siblings);
  } catch (cause) {
    const problem = `resolver ${rule.name} threw on ${siblings.length} siblings`;
    throw new GrammeError("RESOLVER_FAILED", problem, { key, cause });
  }
}
