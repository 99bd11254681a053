/**
 * Somebody's callback has thrown. It is their mistake, and must neither end our loop over all the
 * others nor vanish.
 */

/**
 * Throws outside of everything that runs now, where only the process's own handler stands above.
 */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
