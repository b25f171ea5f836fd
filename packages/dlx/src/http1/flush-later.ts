/** An answer whose head is written and may still be kept back. */
export interface Unflushed {
  flushHead(): void;
}

let unflushed: Unflushed[] = [];

/**
 * At the end of this turn of the event loop, for all answers that began in it: most bodies come along with their head;
 * a stream that is silent at first must not keep it back.
 */
export function flushLater(attempt: Unflushed): void {
  if (unflushed.push(attempt) === 1) setImmediate(flushHeads);
}

function flushHeads(): void {
  const attempts = unflushed;
  unflushed = [];
  for (const attempt of attempts) attempt.flushHead();
}
