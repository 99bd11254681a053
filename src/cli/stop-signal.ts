/**
 * The wish that this process should end, as the system and a terminal express it. Only the first is
 * heard: a second Ctrl-C ends the process at once, as it does everywhere.
 */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    const onSignal = (): void => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
}

/** Whoever started this process with a channel to it is gone. */
export function parentGone(): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return;
    if (process.connected) process.once("disconnect", resolve);
    else resolve();
  });
}
