/**
 * A seed: where a node that knows nobody's address asks who is there.
 *
 *     db1.example.com:7400                a name, with all the addresses that it has
 *     db1                                 the same at the usual port
 *     10.0.0.5:7400, [::1]:7400           one address
 *     srv:_gramme._tcp.example.com        a service: names, ports, and their order
 */
import { type Address, formatAddress, parseAddress } from "../socket/address.ts";

export type Seed =
  | { readonly kind: "host"; readonly address: Address }
  | { readonly kind: "service"; readonly name: string };

/** Where nodes listen when nobody says otherwise. */
export const PORT_DEFAULT = 7_400;

const SERVICE = /^srv:(?![0-9]+$)/;
const SERVICE_NAME = /^(?=.{1,253}$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/;
/** A name or an IPv6 address, and nothing that could be a port. */
const WITHOUT_PORT = /^(?:[^:]+|\[[^\]]*\])$/;

/** The seed, or the sentence that says what is wrong with the text. */
export function parseSeed(text: string): Seed | { readonly problem: string } {
  if (SERVICE.test(text)) {
    const name = text.slice("srv:".length);
    if (SERVICE_NAME.test(name)) return { kind: "service", name };
    return { problem: `a service is a name like _gramme._tcp.example.com, got "${name}"` };
  }
  const address = parseAddress(WITHOUT_PORT.test(text) ? `${text}:${PORT_DEFAULT}` : text);
  if ("problem" in address) return address;
  if (address.port === 0) return { problem: "nobody can be dialled at port 0" };
  return { kind: "host", address };
}

/** The one way to write it. */
export function formatSeed(seed: Seed): string {
  return seed.kind === "service" ? `srv:${seed.name}` : formatAddress(seed.address);
}
