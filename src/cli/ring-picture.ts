/**
 * The ring as letters: one for each partition, the letter of the node that is its home.
 *
 *     slot 0      a b c a b c …         16384 slots, cut into equal partitions
 *     slot 4096   c a b b c a …         the order of the lines is the way around the ring
 *
 * A ring of more partitions than a screen shows is drawn with one letter for several neighbours,
 * and the picture says so.
 */
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { paint, type Style } from "./output.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const COLOURS: readonly Style[] = [
  "cyan",
  "yellow",
  "magenta",
  "green",
  "blue",
  "red",
  "cyanBright",
  "yellowBright",
  "magentaBright",
  "greenBright",
];
const COLUMNS = 64;
const CELLS_MAX = 1_024;
const SLOT_WIDTH = 5;

export function ringPicture(layout: Layout, marked: number | undefined): string {
  const { partitionCount } = layout;
  const each = Math.max(1, partitionCount / CELLS_MAX);
  const lines: string[] = [];
  for (let from = 0; from < partitionCount; from += COLUMNS * each) {
    let cells = "";
    const end = Math.min(partitionCount, from + COLUMNS * each);
    for (let partition = from; partition < end; partition += each) {
      cells += cellOf(layout, partition);
    }
    lines.push(`slot ${String(layout.partitioner.firstSlotOf(from)).padEnd(SLOT_WIDTH)}  ${cells}`);
    if (marked === undefined || marked < from || marked >= end) continue;
    const column = Math.floor((marked - from) / each);
    lines.push(`${" ".repeat("slot   ".length + SLOT_WIDTH + column)}^`);
  }
  if (each > 1) lines.push(`one letter for ${each} partitions: the home of the first of them`);
  return lines.join("\n");
}

/** A node's letter, in its colour. */
export function letterOf(layout: Layout, node: NodeId): string {
  const index = layout.nodes.findIndex(({ id }) => id === node);
  return paint(colourOf(index), LETTERS[index % LETTERS.length]!);
}

function cellOf(layout: Layout, partition: number): string {
  const index = layout.ownerIndexes[partition * layout.ownersEach]!;
  return paint(colourOf(index), LETTERS[index % LETTERS.length]!);
}

function colourOf(index: number): Style {
  return COLOURS[index % COLOURS.length]!;
}
