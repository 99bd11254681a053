import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, parseAddress } from "./address.ts";

test("address: what is well formed is read and written back as it was", () => {
  for (const text of [
    "127.0.0.1:7411",
    "localhost:0",
    "db-7.example.com:65535",
    "node_1:80",
    "example.com.:1",
    "[::1]:7411",
    "[fe80::1%eth0]:7411",
    "[::ffff:10.0.0.5]:1",
  ]) {
    const address = parseAddress(text);
    assert.ok(!("problem" in address), `${text}: ${JSON.stringify(address)}`);
    assert.equal(formatAddress(address), text);
  }
});

test("address: what is not is refused with what was wrong", () => {
  for (const [text, problem] of [
    ["", /host:port/],
    ["localhost", /host:port/],
    [":7411", /a host is/],
    ["localhost:", /a port is/],
    ["localhost:65536", /a port is/],
    ["localhost:-1", /a port is/],
    ["localhost:7x", /a port is/],
    ["::1:7411", /a host is/],
    ["[localhost]:7411", /a host is/],
    ["[::1:7411", /a host is/],
    ["user@host:1", /a host is/],
    ["ho st:1", /a host is/],
    ["-a:1", /a host is/],
    [`${"a".repeat(254)}:1`, /a host is/],
  ] as const) {
    const address = parseAddress(text);
    assert.ok("problem" in address, text);
    assert.match(address.problem, problem);
  }
});
