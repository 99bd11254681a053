/**
 * Real nodes under random messages, connections and unreadable rows, and three promises: nothing
 * asserts, every request is answered exactly once and leaves nothing behind, and what was
 * acknowledged is there in the end, at every owner, unless a later write has seen and replaced it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "#src/core/base/random.ts";
import { encodeRecord } from "#src/core/causality/record-codec.ts";
import type { BucketMode, ClientRequest } from "#src/core/requests.ts";
import { bytesOf, KEY, SmallCluster, textOf, wordOf } from "../support/small-cluster.ts";

const OWNERS = ["a", "b", "c"];
const NODES = ["a", "b", "c", "x"];
const STEPS = 60;

interface Asked {
  readonly id: number;
  readonly value: string | undefined;
}

class Chaos {
  readonly cluster = new SmallCluster({ owners: 3, others: 1 });
  readonly #random: Random;
  readonly #mode: BucketMode;
  readonly #asked: Asked[] = [];
  /** What clients have read: the context, and the values that it stands for. */
  readonly #known: { context: Uint8Array; values: string[] }[] = [];
  /** Values that a write may have replaced: it had seen them, or its coordinator had. */
  readonly #replaced = new Set<string>();
  /** Blind writes that look at what there is only later. */
  readonly #open: number[] = [];
  readonly #cut = new Set<string>();

  constructor(seed: number, mode: BucketMode) {
    this.#random = new Random(seed);
    this.#mode = mode;
    for (let step = 0; step < STEPS; step++) this.#step();
    this.#heal();
  }

  #step(): void {
    const random = this.#random;
    const { cluster } = this;
    const dice = random.fraction();
    if (dice < 0.3) this.#ask();
    else if (dice < 0.6) this.#deliverSome();
    else if (dice < 0.75) cluster.complete();
    else if (dice < 0.83) cluster.pass(random.pick([1, 20, 25, 400, 1100]));
    else if (dice < 0.9) this.#toggleLink();
    else if (dice < 0.94) this.#damage();
    else cluster.run();
    this.#learn();
  }

  #ask(): void {
    const random = this.#random;
    const operation = random.pick(["get", "get", "put", "put", "put", "delete"] as const);
    const known =
      this.#known.length > 0 && random.chance(0.5) ? random.pick(this.#known) : undefined;
    const value = operation === "put" ? `${this.#asked.length}` : undefined;
    const given: Partial<ClientRequest> = {
      mode: this.#mode,
      r: random.pick(["default", "one", "all"] as const),
      timeoutMs: random.pick([0, 30, 500]),
    };
    const at = random.pick(NODES);
    const isBlind = this.#isBlind(operation, known !== undefined);
    if (operation !== "get") for (const each of known?.values ?? []) this.#replaced.add(each);
    if (isBlind) this.#replaceAll();
    // A blind write that is still on its way may come to see this value too.
    const isWatched = this.#open.some((open) => this.#mayStillRun(open));
    if (value !== undefined && isWatched) this.#replaced.add(value);
    const id = this.cluster.ask(at, {
      operation,
      ...given,
      value: bytesOf(value ?? ""),
      context: known?.context ?? new Uint8Array(0),
    });
    this.#asked.push({ id, value });
    if (isBlind && (operation === "delete" || at === "x")) this.#open.push(id);
  }

  /** It replaces what its coordinator will see: that may be anything asked for so far. */
  #isBlind(operation: "get" | "put" | "delete", hasContext: boolean): boolean {
    if (operation === "delete") return !hasContext;
    if (operation === "get" || this.#mode === "siblings") return false;
    return this.#mode === "lww" || !hasContext;
  }

  #replaceAll(): void {
    for (const { value } of this.#asked) if (value !== undefined) this.#replaced.add(value);
  }

  #mayStillRun(id: number): boolean {
    const outcome = this.cluster.replies.get(id);
    return outcome === undefined || wordOf(outcome) === "OUTCOME_UNKNOWN";
  }

  #deliverSome(): void {
    const random = this.#random;
    const { cluster } = this;
    for (const envelope of cluster.drop()) {
      const dice = random.fraction();
      if (dice < 0.1) continue;
      if (dice < 0.4) cluster.transit.push(envelope);
      else cluster.receive(envelope.from, envelope.to, envelope.message);
      // Only messages between owners are safe to double: a request that comes twice is asked twice.
      if (dice > 0.9 && envelope.message.kind !== "ask") cluster.transit.push(envelope);
    }
    random.shuffle(cluster.transit);
  }

  #toggleLink(): void {
    const [one, other] = this.#random.pick(["ab", "ac", "bc", "ax", "bx", "cx"]);
    const name = `${one}${other}`;
    if (this.#cut.delete(name)) return this.cluster.link(one!, other!);
    this.#cut.add(name);
    this.cluster.unlink(one!, other!);
  }

  /** Never the last readable copy of a value: it may be acknowledged already, on its way. */
  #damage(): void {
    const victim = this.#random.pick(OWNERS);
    const others = OWNERS.filter((name) => name !== victim);
    const elsewhere = new Set(others.flatMap((name) => this.#valuesAt(name)));
    const isCopied = this.#valuesAt(victim).every((value) => elsewhere.has(value));
    const isReadable = others.some((name) => !this.cluster.at(name).isDamaged(KEY));
    if (isCopied && isReadable) this.cluster.at(victim).damage(KEY);
  }

  #valuesAt(name: string): string[] {
    const member = this.cluster.at(name);
    if (member.isDamaged(KEY)) return [];
    return member.record().dots.map(({ payload }) => textOf(payload.subarray(8)));
  }

  #learn(): void {
    for (const outcome of this.cluster.replies.values()) {
      if (outcome.kind !== "found" && outcome.kind !== "not-found") continue;
      const values =
        outcome.kind === "found" ? outcome.siblings.map((each) => textOf(each.value)) : [];
      if (this.#known.every(({ context }) => context !== outcome.context)) {
        this.#known.push({ context: outcome.context, values });
      }
    }
  }

  #expected(): string[] {
    return this.#asked.flatMap(({ id, value }) => {
      const outcome = this.cluster.replies.get(id);
      if (value === undefined || outcome?.kind !== "stored") return [];
      return this.#replaced.has(value) ? [] : [value];
    });
  }

  #heal(): void {
    const { cluster } = this;
    for (const name of this.#cut) cluster.link(name[0]!, name[1]!);
    cluster.finish();
    for (const { id } of this.#asked) assert.ok(cluster.replies.has(id));
    for (let round = 0; round < 3; round++) {
      for (const name of OWNERS) cluster.get(name, { r: "all", mode: this.#mode });
    }
    cluster.finish();
  }

  /** Acknowledged values that are gone. */
  lost(): string[] {
    const live = new Set(this.#valuesAt("a"));
    return this.#expected().filter((value) => !live.has(value));
  }

  isAgreed(): boolean {
    const forms = OWNERS.map((name) => Buffer.from(encodeRecord(this.cluster.at(name).record())));
    return forms.every((form) => form.equals(forms[0]!));
  }
}

for (const mode of ["siblings", "overwrite", "lww"] as const) {
  test(`chaos: an acknowledged write is never lost, and owners agree in the end (${mode})`, () => {
    for (let seed = 0; seed < 150; seed++) {
      const chaos = new Chaos(seed, mode);
      assert.deepEqual(chaos.lost(), [], `seed ${seed}`);
      assert.ok(chaos.isAgreed(), `seed ${seed}`);
      assert.equal(wordOf(chaos.cluster.put("b", "end", { w: "all" })), "stored", `seed ${seed}`);
      chaos.cluster.finish();
    }
  });
}
