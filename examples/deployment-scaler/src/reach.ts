import { request } from 'node:http';
import { type Clock, resourceKey, type ResourceRef } from '@scaler/scaler-types';

/**
 * Whether requests get from the DLX to the pods. Asked once, with the pods awake, before `always` puts the DLX into
 * the path: a NetworkPolicy or a strict mesh would otherwise turn a diverted Service into an outage.
 */
export interface Reach {
  /** What was found lately; undefined: nothing. */
  known(ref: ResourceRef): boolean | undefined;
  /** Sends a health check through every address; resolves with what is wrong, undefined when all answered. */
  try(ref: ResourceRef, ways: readonly Way[], signal: AbortSignal): Promise<string | undefined>;
}

/** One way through a DLX to one target. */
export interface Way {
  readonly address: string;
  readonly port: number;
  /** Asked for; the readiness probe's, where there is one. */
  readonly path: string;
}

const goodForMs = 30_000;
const badForMs = 10_000;
const answerLimitMs = 3_000;

export function createReach(clock: Clock): Reach {
  const found = new Map<string, { readonly ok: boolean; readonly atMs: number }>();
  return {
    known: (ref) => {
      const last = found.get(resourceKey(ref));
      if (last === undefined || clock.monotonic() - last.atMs >= (last.ok ? goodForMs : badForMs)) return undefined;
      return last.ok;
    },
    try: async (ref, ways, signal) => {
      const problems = (await Promise.all(ways.map((way) => problemOf(way, signal)))).filter(
        (text) => text !== undefined,
      );
      signal.throwIfAborted();
      found.set(resourceKey(ref), { ok: problems.length === 0 && ways.length > 0, atMs: clock.monotonic() });
      return ways.length === 0 ? 'no DLX listens for it' : problems[0];
    },
  };
}

// A kube-probe neither wakes nor counts, and passes to the pod while it is awake.
function problemOf({ address, port, path }: Way, outer: AbortSignal): Promise<string | undefined> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(answerLimitMs)]);
  return new Promise((resolve) => {
    const failed = (why: string): void => resolve(`the DLX at ${address}:${port} ${why}`);
    const asked = request({
      host: address,
      port,
      path,
      agent: false,
      signal,
      headers: { 'User-Agent': 'kube-probe/scaler' },
    });
    asked.once('error', (error) => failed(`did not answer: ${error.message}`));
    asked.once('response', (answer) => {
      answer.setEncoding('utf8');
      let body = '';
      answer.on('data', (chunk: string) => (body += body.length < 4_096 ? chunk : ''));
      answer.once('error', (error) => failed(`broke off: ${error.message}`));
      answer.once('end', () => {
        const code = refusalCode(answer.headers['content-type'], body);
        if (code === undefined) resolve(undefined);
        else failed(`answered ${answer.statusCode ?? 0} ${code} instead of a pod`);
      });
    });
    asked.end();
  });
}

// What a DLX says when it could not forward; anything else came from a pod, whatever its status.
const refusals = [
  'upstream-connect',
  'upstream-timeout',
  'upstream-reset',
  'no-route',
  'wake-failed',
  'wake-timeout',
  'not-woken',
  'draining',
  'overflow',
];

function refusalCode(contentType: string | undefined, body: string): string | undefined {
  if (contentType?.startsWith('application/problem+json') !== true) return undefined;
  try {
    const { code } = JSON.parse(body) as { code?: unknown };
    return typeof code === 'string' && refusals.includes(code) ? code : undefined;
  } catch {
    return undefined;
  }
}
