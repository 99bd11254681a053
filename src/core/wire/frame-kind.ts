/**
 * What a frame carries, by number. The one table of `docs/wire-format.md`, append only: a number
 * that was given is never given again, also when nothing sends it any more, because a peer of
 * another version may.
 */
export const FRAME_KIND = {
  greeting: 1,
  refusal: 2,

  write: 16,
  written: 17,
  read: 18,
  same: 19,
  held: 20,
  refused: 21,
  repair: 22,
  hint: 23,
  hintedAsk: 24,
  writeInEra: 25,
  repairInEra: 26,
  hintInEra: 27,

  ask: 32,
  answer: 33,

  memberTalk: 40,
  repairTalk: 41,
  purgeTalk: 42,
  condition: 43,

  layoutAsk: 48,
  layoutTold: 49,

  statusAsk: 64,
  statusTold: 65,
  rowsAsk: 66,
  rowsTold: 67,
  joinAsk: 68,
  joinTold: 69,
  copyRefused: 70,
  hintsAsk: 71,
  hintsTold: 72,
  repairAsk: 73,
  repairTold: 74,
} as const;

export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];
