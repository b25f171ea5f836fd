import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, parseDuration } from '@scaler/scaler-types';
import type { CountedFleet } from './counted-fleet.ts';

/** A fault of it, beside being gone. */
export type PrometheusFault = 'nan' | 'two-series';

/**
 * Prometheus's HTTP API over counters that it scrapes by the clock: a server that really loses its series when it is restarted.
 * Knows `increase` and `resets`, without extrapolation, and nothing else.
 */
export interface SimulatedPrometheus extends AsyncDisposable {
  readonly url: string;
  fault: PrometheusFault | undefined;
  /** Whether it exports its start time, as Prometheus does and some servers with the same API do not. */
  tellsStart: boolean;
  /** It is gone for `downMs`, then back without its series. */
  restart(downMs: number): void;
}

/** The admin's queries for it. */
export const queriesText = JSON.stringify({
  requests: {
    query: 'sum by (app) (increase(http_requests_total{namespace="${namespace}",app=~"${names}"}[${window}]))',
    label: 'app',
    doubt: 'sum by (app) (resets(http_requests_total{namespace="${namespace}",app=~"${names}"}[${window}]))',
  },
});

const scrapeMs = 15_000;

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

export async function startPrometheus(clock: Clock, fleet: CountedFleet): Promise<SimulatedPrometheus> {
  const series = new Map<string, Sample[]>();
  let startedMs = clock.now();
  let isDown = false;
  let closed = false;
  const scrape = (): void => {
    if (closed) return;
    const atMs = clock.monotonic();
    for (const name of isDown ? [] : fleet.names) {
      const own = series.get(name) ?? [];
      own.push({ atMs, value: fleet.counter(name, atMs) });
      series.set(name, own.slice(-100));
    }
    clock.after(scrapeMs, scrape);
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    if (isDown) return void request.socket.destroy();
    const found = answerTo(request.url ?? '', new URLSearchParams(text).get('query') ?? '');
    // By its own clock, from which the uptime is read.
    response.setHeader('date', new Date(clock.now()).toUTCString());
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? { status: 'error', errorType: 'not_found', error: 'no such path' }));
  };
  const answerTo = (path: string, query: string): object | undefined => {
    if (path === '/api/v1/query') {
      const result = evaluate(query, series, clock, self.fault);
      return { status: 'success', data: { resultType: 'vector', result } };
    }
    if (path !== '/api/v1/status/runtimeinfo' || !self.tellsStart) return undefined;
    return { status: 'success', data: { startTime: new Date(startedMs).toISOString() } };
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => undefined));
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  scrape();
  const self: SimulatedPrometheus = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: undefined,
    tellsStart: true,
    restart(downMs) {
      isDown = true;
      series.clear();
      server.closeAllConnections();
      clock.after(downMs, () => {
        isDown = false;
        startedMs = clock.now();
      });
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
  return self;
}

function evaluate(
  query: string,
  series: ReadonlyMap<string, readonly Sample[]>,
  clock: Clock,
  fault: PrometheusFault | undefined,
): object[] {
  const [, operation, expression = '', window = ''] =
    /(increase|resets)\(\w+\{.*app=~"(.*)"\}\[(\w+)\]\)/.exec(query) ?? [];
  // In a string of PromQL a backslash is doubled.
  const names = new RegExp(`^(?:${expression.replaceAll('\\\\', '\\')})$`);
  const fromMs = clock.monotonic() - parseDuration(window);
  return [...series].flatMap(([name, samples]) => {
    const own = names.test(name) ? samples.filter(({ atMs }) => atMs > fromMs) : [];
    if (own.length < (operation === 'resets' ? 1 : 2)) return [];
    const value = operation === 'resets' ? resets(own) : increase(own);
    const text = fault === 'nan' && operation === 'increase' ? 'NaN' : String(value);
    const one = { metric: { app: name }, value: [clock.now() / 1_000, text] };
    return fault === 'two-series' && operation === 'increase' ? [one, one] : [one];
  });
}

const pairs = (samples: readonly Sample[]): [number, number][] =>
  samples.slice(1).map(({ value }, i) => [samples[i]?.value ?? value, value]);

const resets = (samples: readonly Sample[]): number =>
  pairs(samples).filter(([before, after]) => after < before).length;

const increase = (samples: readonly Sample[]): number =>
  pairs(samples).reduce((sum, [before, after]) => sum + (after < before ? after : after - before), 0);
