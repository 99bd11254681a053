/**
 * Bugs are planted from outside: the product has no hooks for its tests, so a method of a class is
 * replaced for the length of one run and put back afterwards.
 */
import { assert } from "../../core/base/assert.ts";

/** Puts everything back. */
export type Undo = () => void;

/** Replaces a method by one that is made of it; the method is called with `this` as ever. */
export function patchMethod<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  make: (original: Owner[Name]) => Owner[Name],
): Undo {
  return redefine(owner, name, (before) => ({ ...before, value: make(owner[name]) }));
}

/** Replaces a getter. */
export function patchGetter<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  get: (this: Owner) => Owner[Name],
): Undo {
  return redefine(owner, name, (before) => ({ ...before, get }));
}

export function undoAll(undos: readonly Undo[]): Undo {
  return () => {
    for (const undo of undos.toReversed()) undo();
  };
}

function redefine(
  owner: object,
  name: PropertyKey,
  make: (before: PropertyDescriptor) => PropertyDescriptor,
): Undo {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  assert(before !== undefined, `there is no ${String(name)} to replace`);
  Object.defineProperty(owner, name, make(before));
  return () => Object.defineProperty(owner, name, before);
}
