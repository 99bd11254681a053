/**
 * The calls of the system that a disk of files makes while it works: `node:fs` has them all. They
 * stand here by themselves because every one of them can fail in a way that no real disk shows on
 * demand, and what happens then is what a store is judged by.
 */

export type Failure = NodeJS.ErrnoException | null;

export interface FileCalls {
  open(
    path: string,
    flags: number,
    mode: number,
    answer: (error: Failure, descriptor: number) => void,
  ): void;
  openSync(path: string, flags: number): number;
  close(descriptor: number, answer: (error: Failure) => void): void;
  readSync(
    descriptor: number,
    bytes: Uint8Array,
    start: number,
    count: number,
    position: number,
  ): number;
  writev(
    descriptor: number,
    pieces: readonly Uint8Array[],
    position: number,
    answer: (error: Failure, written: number) => void,
  ): void;
  writevSync(descriptor: number, pieces: readonly Uint8Array[], position: number): number;
  ftruncate(descriptor: number, bytes: number, answer: (error: Failure) => void): void;
  fsync(descriptor: number, answer: (error: Failure) => void): void;
  fdatasync(descriptor: number, answer: (error: Failure) => void): void;
  unlink(path: string, answer: (error: Failure) => void): void;
}
