import type { Exchange } from './exchange.ts';
import { outcomes, type Refusal } from '../outcome.ts';
import { toldOf } from './problem-details.ts';

/** Writes an RFC 9457 problem and returns its status. A head that was sent cannot be taken back: the client gets a reset. */
export function answer(x: Exchange, why: Refusal): number {
  const refusal = toldOf(x, why);
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
  x.carrier.answer(x, { status, fields, body: x.carrier.method === 'HEAD' ? undefined : body, last, refusal });
  return status;
}

/** Answers a quiet request on behalf of a sleeper. */
export function answerQuiet(x: Exchange, status: number): void {
  if (status >= 400) {
    x.refuse({ outcome: 'not-woken', detail: 'asleep; scrapes do not wake', status });
    return;
  }
  const fields = ['content-length', '0', 'cache-control', 'no-store'];
  x.carrier.answer(x, { status, fields, body: undefined, last: x.core.draining });
  x.end('not-woken', status);
}
