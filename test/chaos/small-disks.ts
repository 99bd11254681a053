/**
 * Disks of a few MiB, one for each node, below one folder whose name carries the pid: so that a
 * later run can unmount and remove what a dead one has left.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./wire.ts";

const NAME = /^gramme-chaos-(\d+)-/;

export class SmallDisks {
  readonly root: string = mkdtempSync(join(tmpdir(), `gramme-chaos-${process.pid}-`));
  readonly #mounted: string[] = [];

  mount(name: string, mebibytes: number): string {
    const path = join(this.root, name);
    mkdirSync(path);
    run("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path]);
    this.#mounted.push(path);
    return path;
  }

  close(): void {
    for (const path of this.#mounted.splice(0)) run("umount", ["-l", path]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

export function removeLeftDisks(isDead: (pid: number) => boolean): readonly string[] {
  const left = readdirSync(tmpdir()).filter((name) => {
    const pid = NAME.exec(name)?.[1];
    return pid !== undefined && isDead(Number(pid));
  });
  for (const name of left) {
    const root = join(tmpdir(), name);
    for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
      const path = line.split(" ")[1] ?? "";
      if (path.startsWith(`${root}/`)) run("umount", ["-l", path]);
    }
    rmSync(root, { recursive: true, force: true });
  }
  return left;
}
