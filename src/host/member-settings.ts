/**
 * The members in the settings of a node, checked: each with an id, and an address of its own that
 * others can dial, or seeds at which it can be found.
 */
import { type LayoutNode, WEIGHT_MAX } from "../core/ring/layout.ts";
import { checkNodeId, type NodeId } from "../core/ring/node-id.ts";
import { type Address, formatAddress, parseAddress } from "../socket/address.ts";
import { refuseUnknown, refuseUnlessInteger, SettingsError } from "./settings-error.ts";

export interface MemberSettings {
  readonly id: string;
  /** Without one it is found by seeds. */
  readonly address?: string;
  readonly weight?: number;
  readonly zone?: string;
}

const MEMBER_FIELDS: ReadonlySet<string> = new Set([
  "id",
  "address",
  "weight",
  "zone",
] satisfies (keyof MemberSettings)[]);
const ZONE = /^[A-Za-z0-9._-]{0,64}$/;
const WEIGHT = { min: 1, max: WEIGHT_MAX, hint: "twice the weight, twice the partitions" };

interface Placing {
  readonly id: string;
  readonly listen: string;
  readonly advertise?: string;
  readonly peers: readonly MemberSettings[];
  readonly seeds: readonly string[];
}

/** Ascending by id, so that the order in which they were named does not matter. */
export function checkedMembers(
  self: MemberSettings,
  peers: readonly MemberSettings[],
  seeds: readonly string[],
): readonly LayoutNode[] {
  const members = new Map<string, LayoutNode>([[self.id, checkedMember("", self)]]);
  for (const [index, peer] of peers.entries()) {
    if (peer.id === self.id) continue;
    const path = `peers[${index}].`;
    refuseUnknown(path, peer, MEMBER_FIELDS);
    const member = checkedMember(path, peer);
    if (member.address === "" && seeds.length === 0) {
      const problem = `there are no seeds by which ${member.id} could be found`;
      throw new SettingsError(`${path}address`, "", problem, "give its address, or seeds");
    }
    if (members.has(member.id)) {
      throw new SettingsError(`${path}id`, peer.id, "two members have this id", "ids are unique");
    }
    for (const { id, address } of members.values()) {
      if (address === "" || address !== member.address) continue;
      const problem = `${id} has the same address`;
      throw new SettingsError(`${path}address`, address, problem, "addresses are unique");
    }
    members.set(member.id, member);
  }
  return [...members.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

/**
 * How others reach this node: what it was told to advertise, else as the list of members has it,
 * else where it listens.
 */
export function advertisedAddress({ id, listen, advertise, peers, seeds }: Placing): Address {
  const listed = peers.find((peer) => peer.id === id)?.address;
  if (advertise !== undefined && listed !== undefined && advertise !== listed) {
    const problem = `peers name ${listed} as the address of this node`;
    throw new SettingsError("advertise", advertise, problem, "all nodes must agree on it");
  }
  const field = advertise !== undefined ? "advertise" : listed !== undefined ? "peers" : "listen";
  const text = advertise ?? listed ?? listen;
  const address = checkedAddress(field, text);
  // A node that is alone can say its port after it has found one; so can one that asks at seeds.
  const isAlone = peers.every((peer) => peer.id === id);
  const saysLater = field === "listen" && (isAlone || seeds.length > 0);
  if (address.port === 0 && !saysLater) {
    throw new SettingsError(field, text, "others cannot dial port 0", "choose a port");
  }
  if (address.host === "0.0.0.0" || address.host === "::") {
    const problem = "others cannot dial an address that means all of this machine's";
    throw new SettingsError(field, text, problem, "set advertise to a name or IP of this machine");
  }
  return address;
}

export function checkedId(field: string, id: string): NodeId {
  const problem = typeof id === "string" ? checkNodeId(id) : "a node id is a text";
  if (problem === undefined) return id as NodeId;
  throw new SettingsError(field, id, problem, "name the node like n1 or db-7.example.com");
}

export function checkedAddress(field: string, text: string): Address {
  const isText = typeof text === "string";
  const address = isText ? parseAddress(text) : { problem: "an address is a text" };
  if (!("problem" in address)) return address;
  const hint = "write it like 127.0.0.1:7411 or [::1]:7411";
  throw new SettingsError(field, text, address.problem, hint);
}

function checkedMember(path: string, member: MemberSettings): LayoutNode {
  const { weight = 1, zone = "" } = member;
  const id = checkedId(`${path}id`, member.id);
  const text = member.address;
  const address = text === undefined ? undefined : checkedAddress(`${path}address`, text);
  if (path !== "" && address?.port === 0) {
    const problem = "others cannot dial port 0";
    throw new SettingsError(`${path}address`, text, problem, "choose a port");
  }
  refuseUnlessInteger(`${path}weight`, weight, WEIGHT);
  if (typeof zone !== "string" || !ZONE.test(zone)) {
    const problem = "a zone has at most 64 characters of A-Z a-z 0-9 . _ -";
    throw new SettingsError(`${path}zone`, zone, problem, "name what fails together, like rack-4");
  }
  return { id, address: address === undefined ? "" : formatAddress(address), weight, zone };
}
