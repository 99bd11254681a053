import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect } from "./connect.ts";
import { ConnectError } from "./connect-error.ts";

test("what cannot be an address or a setting is refused by name", async () => {
  await assert.rejects(connect([]), { code: "INVALID_ARGUMENT" });
  await assert.rejects(connect("127.0.0.1:1" as never), { code: "INVALID_ARGUMENT" });
  await assert.rejects(connect(["no-port"]), {
    code: "INVALID_ARGUMENT",
    message: /an address is written host:port, got "no-port"/,
  });
  const address = ["127.0.0.1:1"];
  await assert.rejects(
    connect(address, { redialMs: 5 } as never),
    /no setting redialMs of a client/,
  );
  await assert.rejects(connect(address, { connectTimeoutMs: 0 }), /connectTimeoutMs must be/);
  await assert.rejects(connect(address, { clusterId: "a b" }), /clusterId must have/);
});

test("nobody at the address: OPEN_FAILED names it and why", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(connect([`127.0.0.1:${port}`]), (error: Error) => {
    assert.equal((error as { code?: string }).code, "OPEN_FAILED");
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`));
    assert.ok(error.cause instanceof ConnectError);
    return true;
  });
});
