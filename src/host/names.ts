/**
 * What names mean now: asked anew each time, since addresses move, and never for longer than a
 * few seconds.
 *
 *     10.0.0.5, ::1       itself
 *     the hosts file      what the machine's owner wrote down wins
 *     localhost           the loopback addresses
 *     DNS                 A and AAAA, without a thread
 *     the system          what else it knows: search domains, mDNS …
 *
 * The system's own resolver blocks a thread of the pool that the disk needs as well, for half a
 * minute when no server answers. So it is asked last, and for one name at a time.
 */
import { lookup as systemLookup, promises as dns } from "node:dns";
import { readFile } from "node:fs/promises";
import { isIP, type LookupFunction } from "node:net";
import type { Address } from "../socket/address.ts";
import type { Seed } from "./seed.ts";
import { inServiceOrder, type ServiceTarget } from "./service-order.ts";

/** Where names are looked up. Both reject with an error that has a code, as ENOTFOUND. */
export interface NameSource {
  /** IP addresses, in the order to try them. */
  addresses(name: string): Promise<readonly string[]>;
  targets(service: string): Promise<readonly ServiceTarget[]>;
}

/** Of one name; a cluster has fewer nodes. */
const ADDRESSES_MAX = 1_024;
/** Of one service: their names are all asked for at once. */
const TARGETS_MAX = 256;
const DNS_WITHIN_MS = 2_500;
const DNS_TRY_MS = 1_000;
const SYSTEM_WITHIN_MS = 2_000;
const HOSTS_FILE =
  process.platform === "win32" ? "C:\\Windows\\System32\\drivers\\etc\\hosts" : "/etc/hosts";
const LOOPBACK = ["127.0.0.1", "::1"] as const;

/** All that can be dialled for a seed, in order. Rejects with the name in the message. */
export async function endpointsOf(
  seed: Seed,
  source: NameSource,
  draw: () => number,
): Promise<readonly Address[]> {
  if (seed.kind === "host") return placed(seed.address, await named(seed.address.host, source));
  const targets = await failingWith(seed.name, source.targets(seed.name));
  const ordered = inServiceOrder(targets.slice(0, TARGETS_MAX), draw);
  const answers = await Promise.allSettled(
    ordered.map(async ({ name, port }) => placed({ host: name, port }, await named(name, source))),
  );
  const endpoints = answers.flatMap((answer) =>
    answer.status === "fulfilled" ? answer.value : [],
  );
  const problems = answers.flatMap((answer) =>
    answer.status === "rejected" ? [answer.reason as unknown] : [],
  );
  // One target that has no address is no reason to leave out the others.
  if (endpoints.length === 0 && problems.length > 0) throw problems[0];
  const texts = new Set<string>();
  return endpoints.slice(0, ADDRESSES_MAX).filter(({ host, port }) => {
    const text = `${host} ${port}`;
    return !texts.has(text) && texts.add(text);
  });
}

/** For sockets. */
export function lookupBy(source: NameSource): LookupFunction {
  return (name, options, answer) => {
    named(name, source).then(
      (addresses) => {
        const all = addresses.map((address) => ({ address, family: isIP(address) }));
        if (options.all === true) return answer(null, all);
        return answer(null, all[0]!.address, all[0]!.family);
      },
      (error: NodeJS.ErrnoException) => answer(error, []),
    );
  };
}

/** The names of this machine and of the servers that it asks, or of given ones instead. */
export class SystemNames implements NameSource {
  /** All nodes of a process share the pool. */
  static #isSystemAsked = false;
  readonly #servers: readonly string[] | undefined;

  constructor(servers?: readonly string[]) {
    this.#servers = servers;
  }

  async addresses(name: string): Promise<readonly string[]> {
    const written = await writtenDown(name);
    if (written.length > 0) return written;
    if (name === "localhost" || name.endsWith(".localhost")) return LOOPBACK;
    try {
      return await this.#fromDns(name);
    } catch (error) {
      if (SystemNames.#isSystemAsked || this.#servers !== undefined) throw error;
      return this.#fromSystem(name);
    }
  }

  async targets(service: string): Promise<readonly ServiceTarget[]> {
    return within(DNS_WITHIN_MS, this.#resolver().resolveSrv(service));
  }

  async #fromDns(name: string): Promise<readonly string[]> {
    const resolver = this.#resolver();
    const answers = await within(
      DNS_WITHIN_MS,
      Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]),
    );
    const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (found.length > 0) return found;
    const [ipv4] = answers;
    throw ipv4.status === "rejected" ? ipv4.reason : new NameError("ENODATA");
  }

  #fromSystem(name: string): Promise<readonly string[]> {
    SystemNames.#isSystemAsked = true;
    const found = new Promise<readonly string[]>((resolve, reject) => {
      systemLookup(name, { all: true }, (error, all) => {
        SystemNames.#isSystemAsked = false;
        if (error !== null) reject(error);
        else resolve(all.map(({ address }) => address));
      });
    });
    return within(SYSTEM_WITHIN_MS, found);
  }

  /** A new one each time reads what the machine's configuration is by now. */
  #resolver(): dns.Resolver {
    const resolver = new dns.Resolver({ timeout: DNS_TRY_MS, tries: 2 });
    if (this.#servers !== undefined) resolver.setServers(this.#servers);
    return resolver;
  }
}

class NameError extends Error {
  readonly code: string;

  constructor(code: string, message: string = code, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

async function named(name: string, source: NameSource): Promise<readonly string[]> {
  if (isIP(name) !== 0) return [name];
  const addresses = await failingWith(name, source.addresses(name));
  if (addresses.length > 0) return addresses.slice(0, ADDRESSES_MAX);
  throw new NameError("ENODATA", `DNS: ${name} has no address (ENODATA)`);
}

function placed({ port }: Address, addresses: readonly string[]): readonly Address[] {
  return addresses.map((host) => ({ host, port }));
}

/** With a message that says which name it was. */
async function failingWith<T>(name: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code ?? "EAI_FAIL");
    throw new NameError(code, `DNS: ${name} is not found (${code})`, error);
  }
}

async function writtenDown(name: string): Promise<readonly string[]> {
  const text = await readFile(HOSTS_FILE, "utf8").catch(() => "");
  const addresses: string[] = [];
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIP(address) !== 0 && names.includes(name)) addresses.push(address);
  }
  return addresses;
}

function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new NameError("ETIMEOUT")), ms);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
