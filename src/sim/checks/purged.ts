/**
 * What was known of a key when its tombstone was removed somewhere. It is removed once nobody knows
 * anything else, so who no longer knows of it has forgotten nothing: rules that demand knowledge
 * count it as known to everybody, and what it calls gone is gone for ever.
 */
import type { Context } from "../../core/causality/context.ts";
import { EMPTY_CONTEXT, joinContexts } from "../../core/causality/context.ts";
import type { Fact } from "../../core/facts.ts";
import type { Key } from "../../core/ring/key.ts";

export class Purged {
  readonly #contexts: Map<Key, Context> = new Map();

  onFact(fact: Fact): void {
    if (fact.kind !== "tombstone-purged") return;
    const { key, context } = fact;
    this.#contexts.set(key, joinContexts(this.of(key), context));
  }

  of(key: Key): Context {
    return this.#contexts.get(key) ?? EMPTY_CONTEXT;
  }

  /** What somebody who knows this much of the key knows, or need not know any more. */
  with(key: Key, context: Context): Context {
    const purged = this.#contexts.get(key);
    return purged === undefined ? context : joinContexts(context, purged);
  }
}
