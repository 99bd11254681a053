/**
 * What a rule has to say about a place, in the form that terminals and editors make clickable.
 * Rules are pure functions that return findings; only `scripts/tidy.ts` reads files and prints.
 */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export function showFinding(finding: Finding): string {
  return `${finding.path}:${finding.line}: ${finding.message}`;
}

export function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
