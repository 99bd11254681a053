/**
 * What a backup and a restore ask of a node, and what operators ask about its hints and about
 * anti-entropy: how it is written, and the answers read.
 */
import type { HintOrder } from "../core/hint-orders.ts";
import type { HintsTold } from "../core/wire/admin-hints.ts";
import { decodeHintsTold, encodeHintsAsk } from "../core/wire/admin-hints.ts";
import type { CopyAnswer, JoinAsk, RowsAsk } from "../core/wire/copy-codec.ts";
import { decodeCopyAnswer, encodeCopy } from "../core/wire/copy-codec.ts";
import { FRAME_KIND } from "../core/wire/frame-kind.ts";
import type { RepairOrder } from "../core/repair-orders.ts";
import type { RepairTold } from "../core/wire/admin-repair.ts";
import { decodeRepairTold, encodeRepairAsk } from "../core/wire/admin-repair.ts";
import type { CallCodec } from "./numbered-calls.ts";

/** A question without its number. */
export type CopyQuestion = Omit<RowsAsk, "id"> | Omit<JoinAsk, "id">;

export const COPY_CODEC: CallCodec<CopyQuestion, CopyAnswer> = {
  encode: (writer, id, question) => encodeCopy(writer, { ...question, id }),
  decode: decodeCopyAnswer,
};

export const HINTS_CODEC: CallCodec<HintOrder, HintsTold> = {
  encode: (writer, id, order) => encodeHintsAsk(writer, { id, order }),
  decode: (kind, bytes, start, end) =>
    kind === FRAME_KIND.hintsTold ? decodeHintsTold(bytes, start, end) : undefined,
};

export const REPAIR_CODEC: CallCodec<RepairOrder, RepairTold> = {
  encode: (writer, id, order) => encodeRepairAsk(writer, { id, order }),
  decode: (kind, bytes, start, end) =>
    kind === FRAME_KIND.repairTold ? decodeRepairTold(bytes, start, end) : undefined,
};
