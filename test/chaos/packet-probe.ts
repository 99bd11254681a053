/** Single packets from one seat to another: how many arrive. Nothing sends them again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { ownEnvironment } from "./chaos-node.ts";
import { addressOf } from "./link-condition.ts";
import type { Wire } from "./wire.ts";

const PORT = 7_401;
/** From the last packet that was sent. */
const WAIT_MS = 150;

const RECEIVER = `
  const socket = require("node:dgram").createSocket("udp4");
  let count = 0;
  socket.on("message", () => count++);
  socket.bind(${PORT}, process.argv[1], () => process.send("ready"));
  process.on("message", () => process.send(count, () => process.exit()));
`;

const SENDER = `
  const socket = require("node:dgram").createSocket("udp4");
  let left = Number(process.argv[2]);
  const send = () => left-- > 0 ? socket.send("x", ${PORT}, process.argv[1], send) : socket.close();
  send();
`;

export async function packetsThrough(
  wire: Wire,
  from: number,
  to: number,
  count: number,
): Promise<number> {
  const receiver = start(wire.namespace(to), RECEIVER, [addressOf(to)]);
  try {
    await once(receiver, "message");
    const sender = start(wire.namespace(from), SENDER, [addressOf(to), `${count}`]);
    await once(sender, "exit");
    await sleep(WAIT_MS);
    receiver.send("how many?");
    const [arrived] = (await once(receiver, "message")) as [number];
    return arrived;
  } finally {
    receiver.kill("SIGKILL");
  }
}

function start(
  namespace: string,
  program: string,
  words: readonly string[],
): ReturnType<typeof spawn> {
  const command = [process.execPath, "-e", program, ...words];
  return spawn("ip", ["netns", "exec", namespace, ...command], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: ownEnvironment(),
  });
}
