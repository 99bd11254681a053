/**
 * A process that slows another one: it lets it run for a moment and stops it for a while, again and
 * again, so that it has one tenth of the time, or whatever share it is told.
 *
 *     node slow-process.js PID 0.1      says "share=0.098" on the channel when it is told to end
 *
 *     run  ██__________________██__________________██___      2 ms of 20
 *
 * So everything the other one does takes ten times as long, as on a machine that is ten times
 * slower. A process that wakes up late pays it back: how long the other one is stopped follows from
 * how long it really ran. It sleeps without an event loop, whose timers know whole milliseconds
 * only, and is slow to hear: it looks for the end between two rounds.
 */
const RUN_MS = 2;
const LISTEN_EVERY = 5;

const pid = Number(process.argv[2]);
const wanted = Number(process.argv[3]);
const sleeper = new Int32Array(new SharedArrayBuffer(4));
let ranMs = 0;
let stoppedMs = 0;
let isOver = false;

// Whoever ends, the other one goes on.
process.once("exit", resume);
process.once("disconnect", () => (isOver = true));
process.once("message", () => (isOver = true));
rounds();

function rounds(): void {
  for (let round = 0; round < LISTEN_EVERY; round++) {
    ranMs += sleepMs(RUN_MS);
    process.kill(pid, "SIGSTOP");
    // Over all of the time it has its share: what it had too much it lacks now.
    stoppedMs += sleepMs(Math.max(0, ranMs / wanted - ranMs - stoppedMs));
    resume();
  }
  if (!isOver) return void setImmediate(rounds);
  // An open channel would keep both ends of it alive.
  const share = ranMs / (ranMs + stoppedMs);
  if (process.connected) process.send!({ share }, () => process.disconnect());
}

function sleepMs(ms: number): number {
  const from = performance.now();
  Atomics.wait(sleeper, 0, 0, ms);
  return performance.now() - from;
}

function resume(): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
