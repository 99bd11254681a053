/**
 * A network of its own: a namespace for each seat, and one with the bridge between them.
 *
 *     gramme-chaos-PID-wire    br0 ┬ p0 ════ eth0  gramme-chaos-PID-s0   10.213.0.10
 *                                  ├ p1 ════ eth0  gramme-chaos-PID-s1   10.213.0.11
 *                                  └ …       veth pairs
 *
 * Nothing of it is in the namespace of the machine: no address, no route, no rule, and no way out.
 * The names carry the pid of who made them, so that a later run can tell what a dead one has left.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import {
  addressOf,
  conditionLines,
  type LinkCondition,
  OPEN,
  portLines,
  portOf,
} from "./link-condition.ts";

const NAME = /^gramme-chaos-(\d+)-/;
const NAMES_FOLDER = "/run/netns";

export class Wire {
  readonly seats: number;
  readonly hasNetem: boolean;
  readonly #made: string[] = [];
  readonly #conditions: Map<string, LinkCondition> = new Map();

  /** Throws, in the words of the tool that refused, and leaves nothing behind. */
  static open(seats: number): Wire {
    const wire = new Wire(seats, canDelay());
    try {
      wire.#make();
      return wire;
    } catch (error) {
      wire.close();
      throw error;
    }
  }

  private constructor(seats: number, hasNetem: boolean) {
    this.seats = seats;
    this.hasNetem = hasNetem;
  }

  namespace(seat: number): string {
    return nameOf(`s${seat}`);
  }

  /** For what `from` sends to `to`; each link has two directions. */
  setConditions(wanted: (from: number, to: number) => LinkCondition): void {
    const lines: string[] = [];
    for (let from = 0; from < this.seats; from++) {
      for (let to = 0; to < this.seats; to++) {
        if (from === to) continue;
        const name = `${from} ${to}`;
        const after = wanted(from, to);
        const before = this.#conditions.get(name) ?? OPEN;
        lines.push(...conditionLines(from, to, before, after, this.hasNetem));
        this.#conditions.set(name, after);
      }
    }
    if (lines.length > 0) batch("tc", nameOf("wire"), lines);
  }

  /** Packets that were lost so far, whatever the fault. */
  dropped(): number {
    let sum = 0;
    for (let seat = 0; seat < this.seats; seat++) {
      const words = ["-netns", nameOf("wire"), "-s", "class", "show", "dev", portOf(seat)];
      for (const [, count] of run("tc", words).matchAll(/dropped (\d+)/g)) sum += Number(count);
    }
    return sum;
  }

  close(): void {
    for (const name of this.#made.splice(0)) removeNamespace(name);
  }

  #make(): void {
    const wire = this.#add("wire");
    batch("ip", wire, ["link set lo up", "link add name br0 type bridge", "link set br0 up"]);
    for (let seat = 0; seat < this.seats; seat++) {
      const name = this.#add(`s${seat}`);
      batch("ip", wire, [
        `link add name ${portOf(seat)} type veth peer name eth0 netns ${name}`,
        `link set ${portOf(seat)} master br0 up`,
      ]);
      const own = `addr add ${addressOf(seat)}/24 dev eth0`;
      batch("ip", name, ["link set lo up", own, "link set eth0 up"]);
      batch("tc", wire, portLines(seat, this.seats));
    }
    this.#tryLoss();
  }

  /** Better refused now than in the middle of a run. */
  #tryLoss(): void {
    this.setConditions((from, to) => (from + to === 1 ? { ...OPEN, lossShare: 0.5 } : OPEN));
    this.setConditions(() => OPEN);
  }

  #add(part: string): string {
    const name = nameOf(part);
    run("ip", ["netns", "add", name]);
    this.#made.push(name);
    return name;
  }
}

/** Namespaces of runs that are dead, with whatever still runs in them. */
export function removeLeftWires(isDead: (pid: number) => boolean): readonly string[] {
  const left = namespaces().filter((name) => isDead(Number(NAME.exec(name)![1])));
  for (const name of left) {
    for (const pid of run("ip", ["netns", "pids", name]).split("\n")) {
      if (pid.trim() !== "") process.kill(Number(pid), "SIGKILL");
    }
    removeNamespace(name);
  }
  return left;
}

export function run(tool: string, words: readonly string[], input = ""): string {
  try {
    return execFileSync(tool, words, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string };
    if (code === "ENOENT") throw new Error(`there is no ${tool} here`, { cause: error });
    const said = (stderr ?? "").trim().split("\n")[0];
    throw new Error(`${tool} ${words.join(" ")}: ${said || String(code)}`, { cause: error });
  }
}

function batch(tool: "ip" | "tc", namespace: string, lines: readonly string[]): void {
  run(tool, ["-netns", namespace, "-batch", "-"], `${lines.join("\n")}\n`);
}

function nameOf(part: string): string {
  return `gramme-chaos-${process.pid}-${part}`;
}

function namespaces(): readonly string[] {
  try {
    return readdirSync(NAMES_FOLDER).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

/** What cannot be removed now, a later run removes. */
function removeNamespace(name: string): void {
  try {
    run("ip", ["netns", "del", name]);
  } catch (error) {
    console.error((error as Error).message);
  }
}

function canDelay(): boolean {
  const name = nameOf("netem");
  run("ip", ["netns", "add", name]);
  try {
    run("tc", ["-netns", name, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]);
    return true;
  } catch {
    return false;
  } finally {
    removeNamespace(name);
  }
}
