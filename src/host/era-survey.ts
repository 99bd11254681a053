/**
 * What the other members say of their eras, for a node whose rows were put back
 * (`core/identity/settling.ts`): asked at all places where they may be, as often as is wanted.
 *
 *     members' addresses ─┐
 *     seeds               ├─▶ endpoints ─▶ status ─▶ { n1: era 7, settled; n2: …  }
 *     where they were met ┘                   └─▶ where they have met others: asked the next time
 *
 * A member counts once, wherever it was found. Answers of an earlier time are not kept: who has
 * answered is there.
 */
import type { EraAnswer } from "../core/identity/settling.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { type Address, formatAddress } from "../socket/address.ts";
import { endpointsOf, type NameSource } from "./names.ts";
import { parseSeed } from "./seed.ts";
import { type Questioner, StatusQuestion } from "./status-question.ts";

export interface SurveySetup extends Questioner {
  /** Who is meant. */
  readonly others: readonly NodeId[];
  /** Where to begin. */
  readonly places: readonly string[];
  readonly names: NameSource;
}

export interface SurveyResult {
  readonly answers: ReadonlyMap<NodeId, EraAnswer>;
  /** By place, for those that led to nobody. */
  readonly problems: readonly string[];
}

/** Of a status, what matters here. All of it was said by a stranger. */
interface Told {
  readonly id: string;
  readonly clusterId: string;
  readonly unsettled?: unknown;
  readonly tombstones: { readonly era: number; readonly eraAhead?: number };
  readonly peers: readonly { readonly id: string; readonly address: string }[];
}

const PLACES_AT_ONCE = 8;
/** A member has one address at a time, and may have moved a few times. */
const PLACES_PER_MEMBER = 4;

export class EraSurvey {
  readonly #setup: SurveySetup;
  /** Where members are said to be by those that were asked before. */
  readonly #learned: Set<string> = new Set();
  readonly #open: Set<StatusQuestion> = new Set();
  #isOver = false;

  constructor(setup: SurveySetup) {
    this.#setup = setup;
  }

  /** Asks everybody, and waits for those that answer. */
  async ask(): Promise<SurveyResult> {
    const answers = new Map<NodeId, EraAnswer>();
    const problems: string[] = [];
    const places = [...new Set([...this.#setup.places, ...this.#learned])];
    const asked = new Set<string>();
    const askNext = async (): Promise<void> => {
      for (let place = places.shift(); place !== undefined; place = places.shift()) {
        problems.push(...(await this.#askAt(place, asked, answers)));
      }
    };
    await Promise.all(Array.from({ length: PLACES_AT_ONCE }, askNext));
    return { answers, problems: problems.toSorted() };
  }

  stop(): void {
    this.#isOver = true;
    for (const question of this.#open) question.recall("the node is being closed");
  }

  /** The problems, if any. */
  async #askAt(
    place: string,
    asked: Set<string>,
    answers: Map<NodeId, EraAnswer>,
  ): Promise<readonly string[]> {
    const problems: string[] = [];
    try {
      for (const endpoint of await this.#endpoints(place)) {
        const text = formatAddress(endpoint);
        if (this.#isOver || asked.has(text)) continue;
        asked.add(text);
        const told = await this.#told(endpoint);
        if ("problem" in told) problems.push(`${text}: ${told.problem}`);
        else this.#hear(told, answers);
      }
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    return problems;
  }

  async #endpoints(place: string): Promise<readonly Address[]> {
    const seed = parseSeed(place);
    if ("problem" in seed) throw new Error(seed.problem);
    return endpointsOf(seed, this.#setup.names, Math.random);
  }

  async #told(endpoint: Address): Promise<Told | { readonly problem: string }> {
    const question = new StatusQuestion(endpoint, this.#setup);
    this.#open.add(question);
    const answer = await question.answer;
    this.#open.delete(question);
    if ("problem" in answer) return answer;
    return toldIn(answer.json) ?? { problem: "it does not say in which era it is" };
  }

  #hear(
    { id, clusterId, unsettled, tombstones, peers }: Told,
    answers: Map<NodeId, EraAnswer>,
  ): void {
    const { others, clusterId: ours } = this.#setup;
    const member = others.find((other) => other === id);
    if (member === undefined || clusterId !== ours) return;
    // A node of an earlier release does not say, and never waits.
    const isSettled = typeof unsettled !== "string";
    const era = tombstones.eraAhead ?? tombstones.era;
    // Two may answer as one member, the older of them forgotten at its old address.
    const before = answers.get(member) ?? { era, isSettled };
    answers.set(member, {
      era: Math.max(before.era, era),
      isSettled: before.isSettled && isSettled,
    });
    for (const { id: other, address } of peers) this.learn(other, address);
  }

  /** Somebody says that this member is there. */
  learn(member: string, address: string): void {
    const { others } = this.#setup;
    const isMeant = address !== "" && others.some((each) => each === member);
    const isRoom = this.#learned.size < PLACES_PER_MEMBER * others.length;
    if (isMeant && isRoom) this.#learned.add(address);
  }
}

function toldIn(json: string): Told | undefined {
  try {
    const told = JSON.parse(json) as Partial<Told> | null;
    const { id, clusterId, tombstones, peers } = told ?? {};
    const { era, eraAhead = era } = tombstones ?? {};
    if (typeof id !== "string" || typeof clusterId !== "string") return undefined;
    if (!Number.isSafeInteger(era) || !Number.isSafeInteger(eraAhead)) return undefined;
    return Array.isArray(peers) && peers.every(isPeer) ? (told as Told) : undefined;
  } catch {
    return undefined;
  }
}

function isPeer(peer: unknown): boolean {
  const { id, address } = (peer ?? {}) as { readonly id?: unknown; readonly address?: unknown };
  return typeof id === "string" && typeof address === "string";
}
