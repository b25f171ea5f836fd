import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request, type RequestOptions } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach } from '@jest/globals';
import { createMetrics } from '@scaler/runtime';
import { type Clock, type Endpoint, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import type { Settings } from '../settings.ts';
import { createDlx, type Dlx } from '../dlx.ts';
import type { Outcome } from '../outcome.ts';
import { ScriptedScaler } from './scripted-scaler.ts';

export const testSettings: Settings = {
  holdTimeoutMs: 10_000,
  holdLimit: 1000,
  holdLimitTotal: 20_000,
  holdBytesTotal: 2 ** 30,
  connectionLimit: 100_000,
  overflowStatus: 503,
  wakeLimit: 1000,
  wakeLimitNamespace: 1000,
  connectTimeoutMs: 500,
  responseTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  upstreamKeepAliveMs: 4000,
  clientIdleTimeoutMs: 75_000,
  answersCors: true,
  quietStatus: 200,
  problemDetails: 'full',
  trustForwarded: true,
  via: undefined,
  targetHeader: 'x-scaler-target',
  clusterDomain: 'cluster.local',
};

export interface HarnessOptions {
  readonly settings?: Partial<Settings>;
  readonly clock?: Clock;
  readonly scaler?: ScriptedScaler;
  readonly trustedPeers?: readonly string[];
}

/** An answer as the client saw it. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: Record<string, string>;
  readonly response: IncomingMessage;
  /** The problem, where it is one. */
  readonly problem: { code: string; detail: string; resource?: string; tried?: string[]; retryAfter?: number };
}

export interface Harness {
  readonly dlx: Dlx;
  readonly scaler: ScriptedScaler;
  readonly port: number;
  send(options?: RequestOptions & { body?: string | Buffer }): Promise<Answer>;
  /** A raw connection to the shared port, or another. */
  raw(first: string | Buffer, port?: number): Promise<Socket>;
  /** Waits until a condition holds; looks at each turn of the event loop. */
  until(condition: () => boolean, what?: string): Promise<void>;
  held(name?: string): number;
  /** A metric's value, by its name without prefix and with its labels as they are written; 0 where it is not there. */
  metric(series: string): Promise<number>;
  /** Ends it, and proves that every request ended in exactly one outcome: these, and no others. */
  end(outcomes: Partial<Record<Outcome, number>>): Promise<void>;
}

const open = new Set<() => Promise<void>>();
// A test that failed half-way must not keep the process alive.
afterEach(async () => {
  for (const close of open) await close();
  open.clear();
});

/** A DLX on real sockets with a scripted scaler. */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const scaler = options.scaler ?? new ScriptedScaler();
  const metrics = createMetrics();
  const dlx = createDlx({
    scaler,
    metrics,
    clock: options.clock ?? systemClock,
    logger: silentLogger,
    identity: 'dlx-1',
    settings: { ...testSettings, ...options.settings },
    listenHost: '127.0.0.1',
    listenPort: 0,
    trustedPeers: options.trustedPeers ?? [],
    pollMs: 50,
  });
  const stop = new AbortController();
  const port = await dlx.listen();
  const running = dlx.run(stop.signal);
  await dlx.synced;
  const { accounting } = dlx.core;
  const sockets: Socket[] = [];
  const close = async (): Promise<void> => {
    stop.abort();
    await running;
    for (const socket of sockets) socket.destroy();
    dlx.resources.close();
    dlx.listeners.close();
    dlx.core.upstreams.close();
    await dlx.server.close();
  };
  open.add(close);

  const harness: Harness = {
    dlx,
    scaler,
    port,
    send: (request = {}) => send({ host: '127.0.0.1', port, ...request }),
    async raw(first, to = port) {
      const socket = connect({ host: '127.0.0.1', port: to });
      socket.on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      if (first.length > 0) socket.write(first);
      return socket;
    },
    until,
    metric: async (series) => valueIn(await metrics.text(), series),
    held: (name = 'web') => dlx.resources.gates.get(`default/${name}`)?.held ?? 0,
    async end(outcomes) {
      await until(() => accounting.ended() === accounting.accepted, 'every request has its outcome');
      open.delete(close);
      await close();
      const counted = Object.entries(accounting.outcomes).filter(([, count]) => count > 0);
      const { held, inFlight } = accounting;
      expectSame({ ...Object.fromEntries(counted), held, inFlight }, { ...outcomes, held: 0, inFlight: 0 });
      expectSame({ ended: accounting.ended() }, { ended: accounting.accepted });
    },
  };
  return harness;
}

function valueIn(metrics: string, series: string): number {
  const line = metrics.split('\n').find((one) => one.startsWith(`scaler_${series} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** A DLX with `web` awake at these apps. */
export async function startAwake(
  apps: readonly { readonly endpoint: Endpoint }[],
  options: HarnessOptions = {},
): Promise<Harness> {
  const h = await startHarness(options);
  h.scaler.endpoints(
    'web',
    apps.map(({ endpoint }) => endpoint),
  );
  h.scaler.set({ name: 'web', phase: 'awake' });
  return h;
}

function expectSame(actual: Record<string, unknown>, wanted: Record<string, unknown>): void {
  const text = (value: Record<string, unknown>): string => JSON.stringify(Object.entries(value).sort());
  if (text(actual) !== text(wanted)) throw new Error(`counted ${text(actual)}, wanted ${text(wanted)}`);
}

export async function until(condition: () => boolean, what = 'condition'): Promise<void> {
  const endsAtMs = performance.now() + 8000;
  while (!condition()) {
    if (performance.now() > endsAtMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Sends one request on a connection of its own, unless an agent is given. */
export function send({ body, ...options }: RequestOptions & { body?: string | Buffer }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ agent: false, headers: { host: 'web' }, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isProblem = response.headers['content-type'] === 'application/problem+json' && text !== '';
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          trailers: response.trailers as Record<string, string>,
          response,
          problem: (isProblem ? JSON.parse(text) : {}) as Answer['problem'],
        });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

export function endpoint(port: number, address = '127.0.0.1'): Endpoint {
  return { address, port, id: `${address}:${port}` };
}

/** Of a DLX that nothing leads to: it takes connections for no more than a moment. */
export function drainTimes(drainTimeoutMs: number): Parameters<Dlx['addDrainSteps']>[1] {
  return { addresses: [], unlistedLimitMs: 0, propagateMs: 1, drainTimeoutMs, unready: () => {} };
}
