/** A test that shows the effect of something: its file, and its name or the beginning of it. */
export type Shown = readonly [file: string, title: string];

type Row = readonly [file: string, title: string, names: readonly string[]];

/** A verb may stand before several of its flags. */
export function byName(rows: readonly Row[]): Readonly<Record<string, Shown>> {
  const shown: Record<string, Shown> = {};
  for (const [file, title, names] of rows) {
    for (const name of names) {
      const [verb = "", ...flags] = name.split(" ");
      const each = flags.length === 0 ? [name] : flags.map((flag) => `${verb} ${flag}`);
      for (const one of each) shown[one] = [file, title];
    }
  }
  return shown;
}
