import type { Settings } from '../core.ts';
import { type Outcome, outcomes, type Refusal } from '../outcome.ts';
import type { OwnAnswer } from './carrier.ts';
import { refusalForClient } from './problem-details.ts';

/** A request that is answered by ourselves. */
interface Answered {
  readonly core: { readonly settings: Settings; readonly draining: boolean };
  readonly carrier: { readonly answering: boolean; answer(answer: OwnAnswer): void; reset(refusal: Refusal): void };
  /** Undefined: the target is not known. */
  readonly lane:
    | {
        readonly gate: { readonly key: string; readonly retryAfterS: number };
        readonly target: { readonly service: string; readonly port: number };
      }
    | undefined;
}

/** Writes an RFC 9457 problem and returns its status. A head that was sent cannot be taken back: the client gets a reset. */
export function answer(x: Answered, whole: Refusal): number {
  const refusal = refusalForClient(x, whole);
  const rule = outcomes[refusal.outcome];
  const status = refusal.status ?? (refusal.outcome === 'overflow' ? x.core.settings.overflowStatus : rule.status);
  if (x.carrier.answering) {
    x.carrier.reset(refusal);
    return status;
  }
  const unknown = !rule.retry || refusal.retryAfterS === null;
  const retryAfterS = unknown ? undefined : (refusal.retryAfterS ?? x.lane?.gate.retryAfterS ?? 5);
  const body = Buffer.from(
    JSON.stringify({
      type: 'about:blank',
      title: rule.title,
      status,
      code: refusal.outcome,
      detail: refusal.detail,
      ...(x.lane &&
        x.core.settings.problemDetails !== 'brief' && {
          resource: x.lane.gate.key,
          service: x.lane.target.service,
          port: x.lane.target.port,
        }),
      ...(retryAfterS !== undefined && { retryAfter: retryAfterS }),
      ...(refusal.tried && { tried: refusal.tried }),
    }),
  );
  const fields = ['content-type', 'application/problem+json', 'content-length', String(body.length)];
  fields.push('cache-control', 'no-store');
  if (retryAfterS !== undefined) fields.push('retry-after', String(retryAfterS));
  const last = x.core.draining || refusal.outcome === 'bad-request';
  x.carrier.answer({ status, fields, body, last, refusal });
  return status;
}

/** Answers a quiet request on behalf of a sleeper. */
export function answerQuiet(
  x: Answered & { refuse(refusal: Refusal): void; end(outcome: Outcome, status: number): void },
  status: number,
): void {
  if (status >= 400) {
    x.refuse({ outcome: 'not-woken', detail: 'asleep; scrapes do not wake', status });
    return;
  }
  const fields = ['content-length', '0', 'cache-control', 'no-store'];
  x.carrier.answer({ status, fields, body: undefined, last: x.core.draining });
  x.end('not-woken', status);
}
