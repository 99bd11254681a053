/**
 * Whether there is room for a write, asked before it is visible: a piece that a library cannot
 * write any more is rows that were seen and are lost, and the node must stop. So the end of the
 * room is drawn well before the end of the disk. What only removes rows makes room in the end, and
 * may go on into what is kept free.
 *
 *     free bytes now  -  what is kept free  -  needs of what is not durable yet   >=   need
 *
 * A row needs more than its bytes: LMDB writes the pages on the way to it, LevelDB the row twice,
 * first to its log and later to a table.
 */
const KEPT_FREE_BYTES = 64 * 1024 * 1024;
const ROW_PAGES_BYTES = 16 * 1024;
const ROW_COPIES = 2;

export class LibraryRoom {
  readonly #freeBytes: () => number;
  /** At the last look. */
  #left = 0;
  /** Needs of the rows that are waiting, and of those on their way to the disk. */
  #waiting = 0;
  #underWay = 0;

  constructor(freeBytes: () => number) {
    this.#freeBytes = freeBytes;
  }

  /** Takes the room of so many rows, or answers that there is none and takes nothing. */
  take(rows: number, bytes: number, isRemoval: boolean): boolean {
    const need = rows * ROW_PAGES_BYTES + bytes * ROW_COPIES;
    const kept = isRemoval ? KEPT_FREE_BYTES : 0;
    if (!this.#has(need - kept)) this.#look();
    if (!this.#has(need - kept)) return false;
    this.#waiting += need;
    return true;
  }

  /** What was waiting is on its way; what was on its way before is on the disk. */
  onSent(): void {
    this.#underWay = this.#waiting;
    this.#waiting = 0;
    this.#look();
  }

  #has(need: number): boolean {
    return this.#left - this.#underWay - this.#waiting >= need;
  }

  #look(): void {
    this.#left = this.#freeBytes() - KEPT_FREE_BYTES;
  }
}
