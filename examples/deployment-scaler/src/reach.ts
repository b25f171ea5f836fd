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
  try(ref: ResourceRef, ways: readonly Way[], signal: AbortSignal): Promise<Unreached | undefined>;
}

/** What is wrong, and how many times in a row. */
export interface Unreached {
  readonly problem: string;
  readonly failures: number;
}

/** One way through a DLX to one target. */
export interface Way {
  readonly address: string;
  readonly port: number;
  /** Asked for; the readiness probe's, where there is one. */
  readonly path: string;
}

const goodForMs = 30_000;
const firstBadForMs = 1_000;
const longestBadForMs = 30_000;
const answerLimitMs = 3_000;

export function createReach(clock: Clock): Reach {
  const found = new Map<string, { readonly failures: number; readonly atMs: number }>();
  return {
    known: (ref) => {
      const last = found.get(resourceKey(ref));
      if (last === undefined || clock.monotonic() - last.atMs >= lifeMs(last.failures)) return undefined;
      return last.failures === 0;
    },
    try: async (ref, ways, signal) => {
      const problems = (await Promise.all(ways.map((way) => problemOf(way, signal)))).filter(
        (text) => text !== undefined,
      );
      signal.throwIfAborted();
      const problem = ways.length === 0 ? 'no DLX listens for it' : problems[0];
      const before = found.get(resourceKey(ref))?.failures ?? 0;
      const failures = problem === undefined ? 0 : before + 1;
      found.set(resourceKey(ref), { failures, atMs: clock.monotonic() });
      return problem === undefined ? undefined : { problem, failures };
    },
  };
}

function lifeMs(failures: number): number {
  return failures === 0 ? goodForMs : Math.min(longestBadForMs, firstBadForMs * 2 ** (failures - 1));
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
