/**
 * Where the identity is kept: two files, each a whole copy, written one after the other.
 *
 *     copy      7            8             9 (torn)      8             9            10
 *     files     identity-1   identity-0    identity-1    identity-0    identity-1   identity-0
 *               └── one state, twice ──┘   a crash: 8 is current       └── the next state ───┘
 *
 * The copy written first is the older one, so that a whole one is on the disk at every moment. An
 * identity counts as written when both files hold it: then a sector that rots, or a file that
 * disappears, leaves the same state in the other. With one copy only, its loss would bring back the
 * state before it, and with that the epochs that were handed out since. Files that nobody can read
 * are `damaged` and not `nothing`, though no boot believes either of them.
 *
 * One write is under way at a time. What is asked for meanwhile is merged, the last one wins, and
 * all who asked hear how it went: every identity says at least what the one before it said.
 */
import { assert } from "../base/assert.ts";
import type { AppendAnswer, Disk } from "../storage/disk.ts";
import { UNREADABLE } from "../storage/disk.ts";
import type { IdentityCopy } from "./identity-codec.ts";
import { decodeIdentity, encodeIdentity, IDENTITY_BYTES_MAX } from "./identity-codec.ts";
import type { Identity } from "./identity.ts";

export type StoredIdentity =
  | { readonly kind: "found"; readonly identity: Identity }
  | { readonly kind: "nothing" }
  /** Some copy is there, but none that can be believed. */
  | { readonly kind: "damaged" }
  /** Written by a later version of this program, which knows more than we do. */
  | { readonly kind: "newer"; readonly version: number };

/** A copy stands in the file of its number's last bit. */
export const IDENTITY_FILES: readonly [string, string] = ["identity-0", "identity-1"];

type Answer = (answer: AppendAnswer) => void;

export class IdentityFile {
  /** What was found at opening; it does not follow what is written. */
  readonly stored: StoredIdentity;
  readonly #disk: Disk;
  /** Number of the last copy that was written. */
  #copy = 0;
  #isWriting = false;
  #waiting: Identity | undefined;
  #answers: Answer[] = [];
  #hasFailed = false;

  constructor(disk: Disk) {
    this.#disk = disk;
    this.stored = this.#load();
  }

  /**
   * Answers `done` when the identity survives whatever happens, never from inside the call. `full`
   * means that it may be there and that nobody may rely on it. After a problem the node stops:
   * nobody writes again.
   */
  write(identity: Identity, answer: Answer): void {
    assert(!this.#hasFailed, "an identity is not written to a disk that failed");
    assert(this.stored.kind !== "newer", "an identity of a later version is not overwritten");
    this.#waiting = identity;
    this.#answers.push(answer);
    if (!this.#isWriting) this.#writeWaiting();
  }

  #load(): StoredIdentity {
    let found: IdentityCopy | undefined;
    let newer = 0;
    const present = new Set(this.#disk.list().map(({ name }) => name));
    for (const [index, file] of IDENTITY_FILES.entries()) {
      const bytes = this.#disk.read(file, 0, IDENTITY_BYTES_MAX + 1);
      const copy = bytes === UNREADABLE ? undefined : decodeIdentity(bytes);
      if (typeof copy === "number") newer = Math.max(newer, copy);
      else if (copy === undefined || copy.copy % 2 !== index) continue;
      else if (found === undefined || copy.copy > found.copy) found = copy;
    }
    if (newer > 0) return { kind: "newer", version: newer };
    if (found === undefined) {
      const isThere = IDENTITY_FILES.some((file) => present.has(file));
      return { kind: isThere ? "damaged" : "nothing" };
    }
    this.#copy = found.copy;
    return { kind: "found", identity: found.identity };
  }

  #writeWaiting(): void {
    const identity = this.#waiting;
    if (identity === undefined) return;
    const answers = this.#answers;
    this.#waiting = undefined;
    this.#answers = [];
    this.#isWriting = true;
    this.#writeCopy(identity, (first) => {
      if (first !== "done") this.#finish(answers, first);
      else this.#writeCopy(identity, (second) => this.#finish(answers, second));
    });
  }

  #finish(answers: readonly Answer[], outcome: AppendAnswer): void {
    this.#isWriting = false;
    this.#hasFailed = typeof outcome === "object";
    const concerned = this.#hasFailed ? [...answers, ...this.#answers] : answers;
    if (this.#hasFailed) this.#waiting = undefined;
    for (const answer of concerned) answer(outcome);
    if (!this.#isWriting) this.#writeWaiting();
  }

  #writeCopy(identity: Identity, answer: Answer): void {
    const copy = this.#copy + 1;
    const file = IDENTITY_FILES[copy % 2 === 0 ? 0 : 1];
    this.#disk.remove(file, 0, (removed) => {
      if (removed !== "done") return answer(removed);
      this.#disk.append(file, [encodeIdentity({ copy, identity })], (appended) => {
        if (appended !== "done") return answer(appended);
        this.#disk.sync(file, (synced) => {
          // One that was refused leaves its number, and so its file: the whole copy is not touched.
          this.#copy = copy;
          answer(synced);
        });
      });
    });
  }
}
