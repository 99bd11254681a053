/**
 * The greeting: the first frame of each side of a connection, sent without waiting for the other's.
 *
 *     │ 47 52 4d 4d │ protocolMin │ protocolMax │ role │ clusterId │ nodeId │ generation │
 *       "GRMM"        u16           u16           u8     name        name     varint
 *
 *                                   │ layoutEpoch │ layoutFingerprint │ address │ era    │ …
 *                                     varint        name                text      varint
 *
 * Nothing else is sent before the other's greeting was read and `checkGreeting` found nothing
 * against it: a node that joins the wrong cluster would mix two data sets for ever. Whoever does
 * find something says so with a refusal, then closes.
 *
 * Each side names the versions it speaks, and both use the highest that both do. The greeting
 * itself is the same in all versions: fields are only added at its end, and a reader ignores what
 * follows those it knows.
 */
import { assert } from "../base/assert.ts";
import type { ByteWriter } from "../base/bytes.ts";
import { ByteReader } from "../base/bytes.ts";
import type { NodeId } from "../ring/node-id.ts";
import { readNameOrNone, readText, writeText } from "./field-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { beginFrame, endFrame } from "./frame.ts";
import { ADDRESS_BYTES_MAX } from "./layout-codec.ts";
import type { Refusal } from "./refusal.ts";

/** The versions that this code speaks. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;

/**
 * Order is the wire's: append only. A scout is a node that only asks who is there: when both have
 * greeted, both know the other's address, and the connection has done its work.
 */
const ROLES = ["node", "client", "scout"] as const;
export type Role = (typeof ROLES)[number];

export interface Greeting {
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly role: Role;
  /** Empty for a client that takes any cluster. */
  readonly clusterId: string;
  /** Empty for a client. */
  readonly nodeId: NodeId | "";
  /** Grows with every boot of a node; 0 for a client. */
  readonly generation: number;
  /** Of the layout that the sender has; 0 and empty when it has none. */
  readonly layoutEpoch: number;
  readonly layoutFingerprint: string;
  /** Where a node can be reached; empty for a client. */
  readonly address: string;
  /** In which a node is (`purge/eras.ts`): of those before the last it listens to nothing. */
  readonly era: number;
}

/** Of who knows no layout. */
export function clientGreeting(clusterId: string): Greeting {
  return {
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    role: "client",
    clusterId,
    nodeId: "",
    generation: 0,
    layoutEpoch: 0,
    layoutFingerprint: "",
    address: "",
    era: 0,
  };
}

/** A code means the same for ever. */
export type GreetingRefusalCode =
  | "WRONG_CLUSTER"
  | "WRONG_VERSION"
  | "SAME_NODE"
  | "SELF"
  | "LAYOUT_DIFFERS";

export interface GreetingRefusal extends Refusal {
  readonly code: GreetingRefusalCode;
}

/** "GRMM" */
const MAGIC = 0x4752_4d4d;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const ADDRESS = /^[\x21-\x7e]{1,255}$/;

export function encodeGreeting(writer: ByteWriter, greeting: Greeting): void {
  const problem = greetingProblem(greeting);
  assert(problem === undefined, problem ?? "");
  const frame = beginFrame(writer, FRAME_KIND.greeting);
  writer.u32(MAGIC);
  writer.u16(greeting.protocolMin);
  writer.u16(greeting.protocolMax);
  writer.u8(ROLES.indexOf(greeting.role));
  writer.binary(greeting.clusterId);
  writer.binary(greeting.nodeId);
  writer.varint(greeting.generation);
  writer.varint(greeting.layoutEpoch);
  writer.binary(greeting.layoutFingerprint);
  writeText(writer, greeting.address, ADDRESS_BYTES_MAX);
  writer.varint(greeting.era);
  endFrame(writer, frame);
}

/**
 * The greeting in the body bytes[start, end) of a frame; undefined when it is malformed, or nothing
 * of ours.
 */
export function decodeGreeting(
  bytes: Uint8Array,
  start: number,
  end: number,
): Greeting | undefined {
  const reader = new ByteReader(bytes, start, end);
  if (reader.u32() !== MAGIC) return undefined;
  const protocolMin = reader.u16();
  const protocolMax = reader.u16();
  const role = ROLES[reader.u8()];
  const clusterId = readNameOrNone(reader);
  const nodeId = readNameOrNone(reader) as NodeId | "";
  const generation = reader.varint();
  const layoutEpoch = reader.varint();
  const layoutFingerprint = readNameOrNone(reader);
  const address = readText(reader, ADDRESS_BYTES_MAX);
  const era = reader.varint();
  if (reader.failed || role === undefined) return undefined;
  const greeting: Greeting = {
    protocolMin,
    protocolMax,
    role,
    clusterId,
    nodeId,
    generation,
    layoutEpoch,
    layoutFingerprint,
    address,
    era,
  };
  return greetingProblem(greeting) === undefined ? greeting : undefined;
}

/** The highest version that both speak, or undefined. */
export function commonProtocol(own: Greeting, theirs: Greeting): number | undefined {
  const highest = Math.min(own.protocolMax, theirs.protocolMax);
  return highest >= Math.max(own.protocolMin, theirs.protocolMin) ? highest : undefined;
}

/**
 * Why these two must not talk, with both values, or undefined when they may. Both sides come to the
 * same answer.
 */
export function checkGreeting(own: Greeting, theirs: Greeting): GreetingRefusal | undefined {
  const [we, they] = [titleOf(own), titleOf(theirs)];
  if (!sameCluster(own, theirs)) {
    const message = `${we} is of cluster ${own.clusterId}, ${they} of ${theirs.clusterId}`;
    return { code: "WRONG_CLUSTER", message };
  }
  if (commonProtocol(own, theirs) === undefined) {
    const message = `${we} speaks protocol ${rangeOf(own)}, ${they} speaks ${rangeOf(theirs)}`;
    return { code: "WRONG_VERSION", message };
  }
  // A client's layout is a hint for its routing; between nodes it says who owns what.
  if (own.role === "client" || theirs.role === "client") return undefined;
  if (isSelf(own, theirs)) {
    return { code: "SELF", message: `${own.nodeId} has found itself, at ${own.address}` };
  }
  if (own.nodeId === theirs.nodeId) {
    const message = `two nodes call themselves ${own.nodeId}: ${bootOf(own)} and ${bootOf(theirs)}`;
    return { code: "SAME_NODE", message };
  }
  if (
    own.layoutEpoch === theirs.layoutEpoch &&
    own.layoutFingerprint !== theirs.layoutFingerprint
  ) {
    const layouts = `${own.layoutFingerprint} at ${we}, ${theirs.layoutFingerprint} at ${they}`;
    return { code: "LAYOUT_DIFFERS", message: `layout epoch ${own.layoutEpoch} is ${layouts}` };
  }
  return undefined;
}

/** What is wrong with a greeting on its own, or undefined when nothing is. */
export function greetingProblem(greeting: Greeting): string | undefined {
  const { protocolMin, protocolMax, role, clusterId, nodeId, layoutFingerprint, address } =
    greeting;
  if (protocolMin < 1 || protocolMin > protocolMax || protocolMax > 0xffff) {
    return `a protocol range of ${protocolMin} to ${protocolMax}`;
  }
  const mayBeEmpty = role === "client";
  if (!matches(NAME, clusterId, mayBeEmpty)) return `bad cluster id ${quote(clusterId)}`;
  if (role === "client" && nodeId !== "") return `a client with a node id, ${quote(nodeId)}`;
  if (!mayBeEmpty && !NAME.test(nodeId)) return `bad node id ${quote(nodeId)}`;
  if (!matches(NAME, layoutFingerprint, true)) return `bad fingerprint ${quote(layoutFingerprint)}`;
  if (!matches(ADDRESS, address, mayBeEmpty)) return `bad address ${quote(address)}`;
  return undefined;
}

/** A scout does not know whom it will meet; a node dialled by its id is never itself. */
function isSelf(own: Greeting, theirs: Greeting): boolean {
  if (own.role !== "scout" && theirs.role !== "scout") return false;
  return (
    own.nodeId === theirs.nodeId &&
    own.generation === theirs.generation &&
    own.address === theirs.address
  );
}

function sameCluster(own: Greeting, theirs: Greeting): boolean {
  return own.clusterId === theirs.clusterId || own.clusterId === "" || theirs.clusterId === "";
}

function titleOf(greeting: Greeting): string {
  return greeting.role === "client" ? "the client" : greeting.nodeId;
}

function rangeOf(greeting: Greeting): string {
  return `${greeting.protocolMin} to ${greeting.protocolMax}`;
}

function bootOf(greeting: Greeting): string {
  return `generation ${greeting.generation} at ${greeting.address}`;
}

function matches(pattern: RegExp, text: string, mayBeEmpty: boolean): boolean {
  return (mayBeEmpty && text === "") || pattern.test(text);
}

/** Cut short: a stranger's text must not fill our logs. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
