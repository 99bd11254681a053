/**
 * A setting that cannot be: which, what it was, what is wrong with it, and what to do.
 */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly field: string;
  readonly value: unknown;
  readonly hint: string;

  constructor(field: string, value: unknown, problem: string, hint: string) {
    super(`${field}: ${problem} (got ${show(value)})`);
    this.field = field;
    this.value = value;
    this.hint = hint;
  }
}

/** A setting that silently does nothing is the dearest kind of mistake. */
export function refuseUnknown(path: string, given: object, known: ReadonlySet<string>): void {
  for (const [field, value] of Object.entries(given)) {
    if (known.has(field)) continue;
    const hint = `known are ${[...known].join(", ")}`;
    throw new SettingsError(`${path}${field}`, value, "there is no such setting", hint);
  }
}

export function refuseUnlessInteger(
  field: string,
  value: unknown,
  { min, max, hint }: { readonly min: number; readonly max: number; readonly hint: string },
): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw new SettingsError(field, value, `must be an integer from ${min} to ${max}`, hint);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 200);
}
