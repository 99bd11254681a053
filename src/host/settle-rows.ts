/**
 * What a node does whose rows were put back, before it says a word to anybody: it finds out from
 * the other members whether they still count (`core/identity/settling.ts`).
 *
 *     not settled ─▶ listens, and answers how it is ─▶ asks the others ──┬─▶ keep · give up
 *                                       ▲                                │
 *                                       └────────── a second later ──────┘
 *
 * With nobody to ask, or with an operator who says so, they are kept.
 */
import type { EraAnswer, SettlingVerdict } from "../core/identity/settling.ts";
import { Settling } from "../core/identity/settling.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { NodeStorage } from "../disk/node-storage.ts";
import type { Plant } from "../socket/frame-socket.ts";
import type { CheckedSettings } from "./cluster-settings.ts";
import { EraSurvey, type SurveyResult } from "./era-survey.ts";
import type { Host } from "./host.ts";
import type { Listener } from "./listener.ts";
import type { NameSource } from "./names.ts";
import type { PeerStatus } from "./node-status.ts";
import { WaitingDoor } from "./waiting-door.ts";

export interface SettleSetup {
  readonly settings: CheckedSettings;
  /** Held: see `Host.hold`. */
  readonly host: Host;
  readonly storage: NodeStorage;
  readonly listener: Listener;
  readonly plant: Plant;
  readonly names: NameSource;
  /** How others reach this node. */
  readonly address: string;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
  /** The document for those who ask how the node is, and why it waits. */
  readonly status: (peers: readonly PeerStatus[], waits: string) => string;
}

/** The node was stopped while it waited; nothing was changed. */
export class StoppedWaiting extends Error {
  override readonly name = "StoppedWaiting";
}

const ASK_EVERY_MS = 1_000;
/** Of those that were not found the first few say enough. */
const PROBLEMS_TOLD = 3;

/** Rejects with StoppedWaiting, or with what ended the host meanwhile. */
export async function settleRows(setup: SettleSetup): Promise<"keep" | "give-up"> {
  const { host, settings, storage } = setup;
  const others = settings.members.map(({ id }) => id).filter((id) => id !== settings.id);
  if (others.length === 0 || storage.settings.keepRows) return "keep";
  const ownEra = storage.identity.hasLaterEra === true ? 0 : host.era;
  const settling = new Settling(ownEra, others.length);
  const survey = new EraSurvey({
    plant: setup.plant,
    clusterId: settings.clusterId,
    timeoutMs: settings.limits.greetingTimeoutMs,
    others,
    places: placesOf(setup),
    names: setup.names,
  });
  let waits = `it asks ${others.join(", ")} whether its rows, which were put back, still count`;
  const door = new WaitingDoor({
    host,
    address: setup.address,
    limits: settings.limits,
    requestTimeoutMs: settings.config.requestTimeoutMs,
    status: () => setup.status(unlinked(settings), waits),
    onMet: (id, address) => survey.learn(id, address),
  });
  setup.listener.serve(door);
  const ending = new Ending(host, setup.signal);
  try {
    for (;;) {
      const result = await ending.or(survey.ask());
      const found = settling.verdict([...result.answers.values()]);
      // That others have them as well, nobody has looked at: an operator has to know.
      const verdict = found === "give-up" && !storage.settings.giveUpRows ? "operator" : found;
      if (verdict === "keep" || verdict === "give-up") return verdict;
      const told = waitsFor(verdict, settling, others, result);
      if (told !== waits) host.note({ kind: "rows-unsettled", era: host.era, waits: told });
      waits = told;
      await ending.after(ASK_EVERY_MS);
    }
  } finally {
    ending.forget();
    survey.stop();
    door.close("it has found out what its rows are worth, or was stopped");
  }
}

/** What may come between, whatever is waited for. */
class Ending {
  readonly #signal: AbortSignal | undefined;
  readonly #end: Promise<never>;
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #reject: (error: unknown) => void = () => {};
  readonly #onAbort = (): void => this.#reject(new StoppedWaiting("stopped while it waited"));

  constructor(host: Host, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#end = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // Nobody may be waiting when it comes.
    this.#end.catch(() => {});
    this.#stopListening = host.onFatal((error) => this.#reject(error));
    if (signal?.aborted === true) this.#onAbort();
    signal?.addEventListener("abort", this.#onAbort);
  }

  or<Value>(awaited: Promise<Value>): Promise<Value> {
    return Promise.race([awaited, this.#end]);
  }

  after(ms: number): Promise<void> {
    return this.or(
      new Promise((later) => {
        this.#timer = setTimeout(later, ms);
      }),
    );
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#stopListening();
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

function placesOf({ settings, storage }: SettleSetup): readonly string[] {
  const { members, seeds, id } = settings;
  const addresses = members.filter((member) => member.id !== id).map(({ address }) => address);
  return [...addresses.filter((address) => address !== ""), ...seeds, ...storage.addresses];
}

/** For those who ask this node where the others are. */
function unlinked({ members, id }: CheckedSettings): readonly PeerStatus[] {
  const counts = { droppedCount: 0, expiredCount: 0, outboundBytes: 0, waiting: {} };
  const problem = "the node does not take part yet";
  return members
    .filter((member) => member.id !== id)
    .map((member) => ({
      id: member.id,
      address: member.address,
      state: "down",
      problem,
      ...counts,
    }));
}

/** For an operator. */
function waitsFor(
  verdict: Exclude<SettlingVerdict, "keep" | "give-up">,
  { needed, tooLate }: Settling,
  others: readonly NodeId[],
  { answers, problems }: SurveyResult,
): string {
  const settled = [...answers.values()].filter(({ isSettled }) => isSettled).length;
  if (verdict === "operator") {
    return (
      `its rows were put back and are old: era ${tooLate - 2}, and another member is in era ` +
      `${lastOf(answers.values())}; ${settled} of ${others.length} others have rows that are ` +
      `known to be good. With its rows what was deleted since may come back; without them what ` +
      `nobody else has is gone. When the others hold all that matters, start it with ` +
      `--give-up-rows, which moves its rows aside; if not, with --keep-rows`
    );
  }
  const silent = others.filter((other) => !answers.has(other));
  const why = problems.slice(0, PROBLEMS_TOLD).join("; ");
  const unsettled = answers.size - settled;
  return (
    `its rows were put back, and ${needed} of ${others.length} other members have to say whether ` +
    `they still count, or all of those whose own were put back: ${settled} did so` +
    (unsettled === 0 ? "" : `, and ${unsettled} of the others`) +
    `; no answer from ${silent.join(", ")}` +
    (why === "" ? "" : ` (${why})`) +
    `. Start it with --keep-rows if they are to count in any case`
  );
}

function lastOf(answers: Iterable<EraAnswer>): number {
  return Math.max(...[...answers].map(({ era }) => era));
}
