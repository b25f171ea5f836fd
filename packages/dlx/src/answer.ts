import type { Exchange } from './exchange.ts';
import { outcomes, type Refusal } from './outcome.ts';

/** Writes an RFC 9457 problem and returns its status. A head that was sent cannot be taken back: the client gets a reset. */
export function answer(x: Exchange, refusal: Refusal): number {
  const rule = outcomes[refusal.outcome];
  const status = refusal.status ?? rule.status;
  const { res } = x;
  if (res.headersSent) {
    res.socket?.resetAndDestroy();
    return status;
  }
  const retryAfterS = rule.retry ? (refusal.retryAfterS ?? x.lane?.gate.retryAfterS ?? 5) : undefined;
  const body = Buffer.from(
    JSON.stringify({
      type: 'about:blank',
      title: rule.title,
      status,
      code: refusal.outcome,
      detail: refusal.detail,
      ...(x.lane && { resource: x.lane.gate.key, service: x.lane.target.service, port: x.lane.target.port }),
      ...(retryAfterS !== undefined && { retryAfter: retryAfterS }),
      ...(refusal.tried && { tried: refusal.tried }),
    }),
  );
  const headers = ['content-type', 'application/problem+json', 'content-length', String(body.length)];
  headers.push('cache-control', 'no-store');
  if (retryAfterS !== undefined) headers.push('retry-after', String(retryAfterS));
  // A client that was never told to continue may send its body or leave it out: the connection cannot go on.
  if (x.core.draining || x.expectsContinue || refusal.outcome === 'bad-request') res.shouldKeepAlive = false;
  res.writeHead(status, headers);
  res.end(x.req.method === 'HEAD' ? undefined : body);
  return status;
}

/** Answers a quiet request on behalf of a sleeper. */
export function answerQuiet(x: Exchange, status: number): void {
  if (status >= 400) {
    x.refuse({ outcome: 'not-woken', detail: 'asleep; scrapes do not wake', status });
    return;
  }
  x.res.writeHead(status, ['content-length', '0', 'cache-control', 'no-store']);
  x.res.end();
  x.end('not-woken', status);
}
