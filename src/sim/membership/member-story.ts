/**
 * A run drawn from a seed: a few members, a network, and one trouble after another.
 *
 * Stalls, crashes, quick restarts, goodbyes, halves that do not hear each other, pairs that do not,
 * one direction or both, and the same member cut off from all in one direction. Some runs lose and
 * double messages; what is only likely then is not checked in them. In the end everything heals,
 * the cluster comes to rest, and one more member crashes. Other runs begin as islands that know
 * nothing but seeds.
 */
import { Random } from "../../core/base/random.ts";
import type { MemberFinding } from "./member-checker.ts";
import { MemberChecker, STALL_MS_MAX } from "./member-checker.ts";
import { MemberCluster } from "./member-cluster.ts";

const TROUBLES = 8;
/** Every stall is over by then, and every restart that was planned. */
const AFTERMATH_MS = 65_000;
const ISLANDS_MS = 30_000;
/** A run of so many begins all at once, to fill the packets. */
const CROWD = 64;

export function runMemberStory(seed: number): readonly MemberFinding[] {
  const random = new Random(seed);
  const drawn = random.fraction();
  if (drawn < 0.05) return runCrowd(seed);
  return drawn < 0.25 ? runIslands(seed, random) : new MemberStory(seed, random).run();
}

/**
 * Nobody knows more than names and a seed or two, and the cluster is cut in two before it has come
 * together. Later some come back somewhere else.
 */
function runIslands(seed: number, random: Random): readonly MemberFinding[] {
  const count = random.between(3, 9);
  const indexes = Array.from({ length: count }, (_, index) => index);
  const seeds = indexes.slice(0, random.between(1, 2));
  const cluster = new MemberCluster({ seed, count, asks: () => seeds });
  const checker = new MemberChecker(cluster);
  // Whoever has not been met is thought dead, though it is well.
  checker.isLossy = true;
  const left = indexes.filter(() => random.chance(0.5));
  const right = indexes.filter((index) => !left.includes(index));
  for (const cut of [cluster.network.cut(left, right), cluster.network.cut(right, left)]) {
    checker.onCut(cut);
  }
  cluster.startAll();
  cluster.runFor(ISLANDS_MS);
  cluster.network.healAll();
  checker.onHealed();
  checker.checkQuiet();
  for (const index of indexes.filter((one) => !seeds.includes(one) && random.chance(0.5))) {
    cluster.crash(index);
    cluster.at(random.between(0, 60_000), () => cluster.move(index));
  }
  cluster.runFor(AFTERMATH_MS);
  checker.isLossy = false;
  checker.checkQuiet();
  checker.checkSizes();
  return checker.findings;
}

function runCrowd(seed: number): readonly MemberFinding[] {
  const cluster = new MemberCluster({ seed, count: CROWD });
  const checker = new MemberChecker(cluster);
  cluster.startAll();
  cluster.runFor(20_000);
  checker.checkSizes();
  return checker.findings;
}

class MemberStory {
  readonly #random: Random;
  readonly #cluster: MemberCluster;
  readonly #checker: MemberChecker;

  constructor(seed: number, random: Random) {
    this.#random = random;
    const count = random.between(3, 8);
    this.#cluster = new MemberCluster({ seed, count });
    this.#checker = new MemberChecker(this.#cluster);
    const lossRate = random.chance(0.25) ? random.fraction() * 0.1 : 0;
    const duplicateRate = random.chance(0.25) ? random.fraction() * 0.2 : 0;
    const delayMsMean = random.chance(0.5) ? 0.5 : random.fraction() * 20;
    this.#cluster.network.options = { delayMs: 0.25, delayMsMean, lossRate, duplicateRate };
    this.#checker.isLossy = lossRate > 0;
  }

  run(): readonly MemberFinding[] {
    const cluster = this.#cluster;
    const random = this.#random;
    cluster.startAll();
    cluster.runFor(5_000);
    for (let trouble = 0; trouble < TROUBLES; trouble++) {
      this.#trouble(random.pick(cluster.processes).index);
      cluster.runFor(random.chance(0.5) ? random.between(100, 6_000) : random.between(100, 90_000));
    }
    this.#heal();
    cluster.runFor(AFTERMATH_MS);
    this.#checker.checkQuiet();
    const up = cluster.processes.filter(({ isUp }) => isUp);
    // Of three nobody can confirm, of fewer nobody is left to be told.
    if (up.length >= 4 && !this.#checker.isLossy) {
      this.#checker.checkDetection(random.pick(up).index);
    }
    this.#checker.checkSizes();
    return this.#checker.findings;
  }

  #trouble(index: number): void {
    switch (this.#random.integer(11)) {
      case 0:
      case 1:
        return this.#stall(index, this.#random.between(100, 4_000));
      case 2:
        return this.#stall(index, this.#random.between(100, STALL_MS_MAX));
      case 3:
        return this.#restart(index, 0);
      case 4:
        return this.#restart(index, this.#random.between(1, 60_000));
      case 5:
        return this.#leave(index);
      case 6:
        return this.#halves();
      case 7:
        return this.#cut([index], [this.#random.integer(this.#cluster.processes.length)]);
      case 8:
        return this.#cut(this.#others(index), [index]);
      case 9:
        return this.#stallInTurn(index);
      default:
        return this.#heal();
    }
  }

  #stall(index: number, ms: number): void {
    const { now } = this.#cluster;
    this.#cluster.stall(index, ms);
    this.#checker.onAway(index, now, now + ms);
  }

  /** One is away until it is suspected, then the others are away while it refutes. */
  #stallInTurn(index: number): void {
    this.#stall(index, this.#random.between(3_000, 5_000));
    for (const other of this.#others(index)) {
      const afterMs = this.#random.between(1_500, 3_000);
      this.#cluster.at(afterMs, () => this.#stall(other, STALL_MS_MAX));
    }
  }

  #restart(index: number, afterMs: number): void {
    const { now } = this.#cluster;
    this.#cluster.crash(index);
    this.#checker.onAway(index, now, now + afterMs);
    this.#cluster.at(afterMs, () => this.#cluster.boot(index));
  }

  #leave(index: number): void {
    const process = this.#cluster.processes[index]!;
    if (!process.isUp || process.isStalled(this.#cluster.now)) return;
    this.#cluster.leave(index);
    this.#cluster.at(2_000, () => this.#restart(index, this.#random.between(1, 60_000)));
  }

  #halves(): void {
    const { processes } = this.#cluster;
    const left = processes.map(({ index }) => index).filter(() => this.#random.chance(0.5));
    const right = processes.map(({ index }) => index).filter((index) => !left.includes(index));
    this.#cut(left, right);
    this.#cut(right, left);
  }

  #cut(from: readonly number[], to: readonly number[]): void {
    this.#checker.onCut(this.#cluster.network.cut(from, to));
  }

  #heal(): void {
    this.#cluster.network.healAll();
    this.#checker.onHealed();
  }

  #others(index: number): number[] {
    return this.#cluster.processes.map((process) => process.index).filter((one) => one !== index);
  }
}
