/**
 * What an error of the system's calls says to people: its code, its text, and what to do. An error
 * without a code does not come from the system: it is a bug of ours, and nobody handles it.
 */

const HINTS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "give the user of this process the right to read and write there"],
  ["EPERM", "give the user of this process the right to read and write there"],
  ["EROFS", "the file system is read-only: mount it for writing, after a look at the system's log"],
  ["EMFILE", "raise the limit of open files for this process (ulimit -n)"],
  ["ENFILE", "the system has no more file descriptors: raise its limit"],
  ["ENOSPC", "make room on the file system"],
  ["EDQUOT", "raise the quota, or make room"],
  ["EFBIG", "raise the limit of the size of a file (ulimit -f)"],
  ["ENOENT", "something removed it: look for who else works in this directory"],
]);
const HINT_DEFAULT = "look at the device and at the system's log before starting the node again";

export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" && "errno" in error ? error.code : undefined;
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function hintOf(error: unknown): string {
  return HINTS.get(codeOf(error) ?? "") ?? HINT_DEFAULT;
}

/** No room: of the device, or of what this user may fill. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT";
}
