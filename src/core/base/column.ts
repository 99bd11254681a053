/**
 * A long column of unsigned 32-bit numbers, outside the heap that the garbage collector walks.
 *
 * It grows by pages, so growing never copies what is there: with millions of entries that would
 * stop everything for as long as a frame takes.
 */
const PAGE_LOG2 = 14;
const PAGE_LENGTH = 1 << PAGE_LOG2;

export class Column {
  readonly #pages: Uint32Array[] = [];

  /** Of a place below the highest one that was ever set; zero where nothing was. */
  get(index: number): number {
    return this.#pages[index >>> PAGE_LOG2]![index & (PAGE_LENGTH - 1)]!;
  }

  set(index: number, value: number): void {
    const page = index >>> PAGE_LOG2;
    while (this.#pages.length <= page) this.#pages.push(new Uint32Array(PAGE_LENGTH));
    this.#pages[page]![index & (PAGE_LENGTH - 1)] = value;
  }
}
