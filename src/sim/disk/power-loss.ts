/**
 * What a crash of the machine leaves of one file.
 *
 *     seen      ├─ clean ─┤ a │ b │ c │ d ┤       dirty: each sector has its own fate
 *     left      ├─ clean ─┤ a │ 0 │ c₁┤           a kept, b lost, c torn, d lost with the length
 *
 * The system writes dirty sectors when it likes and in any order, so a later one may be there and
 * an earlier one not. A lost sector is a hole of zeros, or what was there before a cut, or the file
 * ends before it. A torn one is a prefix, by bytes. The clean bytes are left alone even where a
 * dirty sector begins among them: what was synced is never lost, unless a fault takes it.
 *
 * How much is kept is drawn once for a file: if each sector were as likely kept as lost, one would
 * never see all of many kept, nor all lost.
 */
import type { Random } from "../../core/base/random.ts";
import type { DiskFault } from "./disk-faults.ts";
import type { DiskFile } from "./disk-file.ts";
import { SECTOR_BYTES, sectorOf, sectorsOf } from "./disk-file.ts";

const KEPT_RATES = [0, 0.5, 0.9, 1];
const TORN_RATE = 0.25;

export function losePower(
  file: DiskFile,
  random: Random,
  onFault: (fault: DiskFault) => void,
): void {
  const { seen, stored, dirtyFrom } = file;
  if (dirtyFrom < stored.length) {
    if (random.chance(0.5)) stored.cut(dirtyFrom);
    else onFault("cut-undone");
  }
  const keptRate = random.pick(KEPT_RATES);
  const isWholeLength = random.chance(0.5);
  let isAnyLost = false;
  for (let from = dirtyFrom, to = from; from < seen.length; from = to) {
    to = Math.min((sectorOf(from) + 1) * SECTOR_BYTES, seen.length);
    if (random.chance(keptRate)) {
      stored.write(from, seen.view(from, to));
      if (isAnyLost) onFault("sector-overtook");
      continue;
    }
    isAnyLost = true;
    const keptBytes = random.chance(TORN_RATE) ? random.integer(to - from) : 0;
    if (keptBytes > 0) stored.write(from, seen.view(from, from + keptBytes));
    onFault(keptBytes > 0 ? "sector-torn" : "sector-lost");
  }
  if (isWholeLength) stored.extend(seen.length);
  file.remount();
}

/** A sector anywhere in a file with clean bytes holds garbage. */
export function garble(file: DiskFile, random: Random): void {
  const at = random.integer(sectorsOf(file.cleanBytes)) * SECTOR_BYTES;
  const garbage = Uint8Array.from({ length: SECTOR_BYTES }, () => random.integer(256));
  file.overwrite(at, garbage);
}
