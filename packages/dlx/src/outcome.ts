import { type OutcomeCode, outcomeCodes } from '@scaler/scaler-types/dlx-api';

/** Our answer for one way a request can end. */
export interface OutcomeRule {
  /** HTTP status of our answer; 0: the upstream's own. */
  readonly status: number;
  /** RFC 9457 `title`. */
  readonly title: string;
  /** Whether `Retry-After` is sent. */
  readonly retry: boolean;
}

/**
 * Every way a request ends; each accepted request ends in exactly one of them. `client-gone` is never sent, 499 is
 * what metrics and logs call it. `not-woken` is answered with the quiet statuses.
 */
export const outcomes = {
  forwarded: { status: 0, title: 'Forwarded', retry: false },
  'client-gone': { status: 499, title: 'The client left', retry: false },
  'wake-timeout': { status: 504, title: 'Not awake in time', retry: true },
  'wake-failed': { status: 503, title: 'Cannot be woken', retry: true },
  overflow: { status: 503, title: 'Too many requests are held', retry: true },
  'upstream-connect': { status: 502, title: 'Awake, but refuses connections', retry: true },
  'upstream-timeout': { status: 504, title: 'Awake, but did not answer in time', retry: false },
  'upstream-idle': { status: 504, title: 'Awake, but fell silent', retry: false },
  'upstream-reset': { status: 502, title: 'Awake, but broke off', retry: false },
  draining: { status: 503, title: 'This DLX is shutting down', retry: true },
  'not-woken': { status: 503, title: 'Asleep, and not woken by this kind of request', retry: true },
  'no-route': { status: 404, title: 'Not for any known resource', retry: false },
  'bad-request': { status: 400, title: 'Refused as it stands', retry: false },
} as const satisfies Record<OutcomeCode, OutcomeRule>;

/** How a request ended. */
export type Outcome = OutcomeCode;

export const outcomeNames: readonly Outcome[] = outcomeCodes;

/** Why an outcome that is not `forwarded` came about. */
export interface Refusal {
  readonly outcome: Outcome;
  /** One sentence for the client. */
  readonly detail: string;
  /** Overrides the outcome's status: 501 for what is not supported, 508 for a loop, 413 … */
  readonly status?: number;
  /** Seconds; default 5 where the outcome sends one. Null: not known, so none is sent. */
  readonly retryAfterS?: number | null;
  /** The keys that were looked for, for `no-route`. */
  readonly tried?: readonly string[];
}

/** Characters of an error's text: it may quote a peer or a tenant, and is kept. */
const mostCause = 1000;

/** `name: message` of an error with its causes, for people; never a stack. */
export function causeText(error: unknown): string {
  const texts: string[] = [];
  for (let e = error, depth = 0; e !== undefined && e !== null && depth < 8; depth++) {
    const text = e instanceof Error ? e.message || String((e as { code?: unknown }).code ?? e.name) : String(e);
    if (text !== '' && !texts.some((t) => t.includes(text))) texts.push(text);
    e = (e as { cause?: unknown }).cause;
  }
  return keptText(texts.join(': '), mostCause);
}

/**
 * A text of at most so many characters that holds on to no other. What is cut out of a large one would keep all of it, and
 * so would one that is joined of such pieces.
 */
export function keptText(text: string, most: number): string {
  return Buffer.from(text.length > most ? text.slice(0, most) : text).toString();
}
