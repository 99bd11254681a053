/**
 * A question to one node, with a time limit: of the operator's tools and of backups, which ask
 * seldom enough for a timer and a promise each.
 */
/**
 * Undefined when the connection ends, or the time is over, first. `question` answers how to give it
 * up.
 */
export function inTime<Answer>(
  timeoutMs: number,
  question: (settle: (answer: Answer | undefined) => void) => () => void,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      giveUp();
      resolve(undefined);
    }, timeoutMs);
    const giveUp = question((answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}
