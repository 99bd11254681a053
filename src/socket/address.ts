/**
 * Where a node listens: a host name or IP address, and a port.
 *
 *     "db1.example.com:7411"    a name, resolved anew at each dial
 *     "10.0.0.5:7411"           IPv4
 *     "[::1]:7411"              IPv6 stands in brackets, since it has colons of its own
 */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const HOST_LENGTH_MAX = 253;
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?$/;
const IPV6 = /^[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?$/;
const PORT = /^[0-9]{1,5}$/;

/**
 * The address, or the sentence that says what is wrong with the text. Port 0 (any free one) is for
 * listening.
 */
export function parseAddress(text: string): Address | { readonly problem: string } {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return { problem: `an address is written host:port, got ${JSON.stringify(text)}` };
  const port = text.slice(colon + 1);
  if (!PORT.test(port) || Number(port) > 65_535) {
    return { problem: `a port is a number from 0 to 65535, got ${JSON.stringify(port)}` };
  }
  const written = text.slice(0, colon);
  const bracketed = written.startsWith("[") && written.endsWith("]");
  const host = bracketed ? written.slice(1, -1) : written;
  const known = bracketed ? IPV6.test(host) && host.includes(":") : NAME.test(host);
  if (!known || host.length > HOST_LENGTH_MAX) {
    const found = JSON.stringify(written);
    return { problem: `a host is a name, an IPv4 address or [an IPv6 address], got ${found}` };
  }
  return { host, port: Number(port) };
}

export function formatAddress(address: Address): string {
  return address.host.includes(":")
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}
