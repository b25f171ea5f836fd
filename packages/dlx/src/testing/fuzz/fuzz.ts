import { connect, type Socket } from 'node:net';
import { systemClock } from '@scaler/scaler-types';
import { loadConfig } from '@scaler/runtime';
import { silentLogger } from '@scaler/testing-kit';
import { createDlx, type Dlx } from '../../dlx.ts';
import { dataSettings, settings } from '../../settings.ts';
import { ScriptedScaler } from '../scripted-scaler.ts';
import { type FuzzCase, fuzzCase } from './fuzz-case.ts';
import { type StrictRequest, StrictRequests } from '../strict-requests.ts';
import { createRandom } from './random.ts';
import { startStrictUpstream, type StrictUpstream } from './strict-upstream.ts';

export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
  /** Connections at once. Default 64. */
  readonly parallel?: number;
  /** Called now and then. */
  readonly onProgress?: (done: number) => void;
}

/** What a run came to. */
export interface FuzzReport {
  /** In words, with what repeats it. Empty: all well. */
  readonly failures: readonly string[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly accepted: number;
  /** What the app was sent whole. */
  readonly forwarded: number;
}

/** A connection has so long, once its last byte was sent, to be answered and closed. */
const hangMs = 8000;
/**
 * Sends malformed requests to a DLX over raw sockets, each from an address of its own, by which the app tells whose
 * bytes it got: none of what was refused, as many requests as were answered by it, and nothing that may not be sent.
 */
export async function fuzz({ count, seed, parallel = 64, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const upstream = await startStrictUpstream();
  const scaler = new ScriptedScaler({ auto: true });
  const { values } = loadConfig(settings, { argv: ['--trust-forwarded=false'], env: {} });
  const dlx = createDlx({
    scaler,
    clock: systemClock,
    logger: silentLogger,
    identity: 'fuzzed',
    settings: dataSettings(values),
    listenHost: '127.0.0.1',
    listenPort: 0,
    trustedPeers: [],
    pollMs: 60_000,
  });
  scaler.set({ name: 'web', phase: 'awake' });
  scaler.endpoints('web', [{ address: '127.0.0.1', port: upstream.port, id: 'app' }]);
  const port = await dlx.listen();
  const stop = new AbortController();
  const running = dlx.run(stop.signal);
  await dlx.synced;
  const failures: string[] = [];
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < count && failures.length < 10) {
      const index = next++;
      const failure = await runCase({ index, port, upstream }, fuzzCase(createRandom(seed + index)));
      if (failure !== undefined) failures.push(`--count 1 --seed ${seed + index}: ${failure}`);
      done += 1;
      if (done % 5000 === 0) onProgress?.(done);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  failures.push(...upstream.offences.slice(0, 10), ...(await atRest(dlx)));
  const { outcomes, accepted } = dlx.core.accounting;
  stop.abort();
  await running;
  dlx.resources.close();
  dlx.core.upstreams.close();
  await dlx.server.close();
  upstream.close();
  return {
    failures,
    outcomes: { ...outcomes },
    accepted,
    forwarded: [...upstream.whole.values()].reduce((sum, { length }) => sum + length, 0),
  };
}

interface Ground {
  readonly index: number;
  readonly port: number;
  readonly upstream: StrictUpstream;
}

/** Undefined when all was well. */
async function runCase({ index, port, upstream }: Ground, one: FuzzCase): Promise<string | undefined> {
  const n = index + 2;
  const localAddress = `127.${1 + ((n >> 16) & 127)}.${(n >> 8) & 255}.${n & 255}`;
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: true });
  const said = await talk(socket, one);
  const shown = JSON.stringify(one.bytes.toString('latin1').slice(0, 600));
  if (said === undefined) return `no end after ${hangMs} ms (${one.end}): ${shown}`;
  const statuses = [...said.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, status]) => Number(status));
  const answered = countAnswers(said);
  const begun = upstream.begun.get(localAddress) ?? [];
  const whole = upstream.whole.get(localAddress) ?? [];
  const told = `answers ${statuses.join(' ')}, the app got ${JSON.stringify(begun)}, ${whole.length} of them whole, and ${answered} of its answers came: ${shown}`;
  if (whole.length < answered) return `more answers than requests: ${told}`;
  if (begun.length > statuses.length + 1) return `the app got more than was asked: ${told}`;
  // An answer of ours that closes the connection is the last word: nothing behind it is sent on.
  const last = /^HTTP\/1\.1 4\d\d [^\r]*\r\n(?:[^\r]+\r\n)*?connection: close\r\n/im.exec(said);
  if (last !== null && begun.length > countAnswers(said.slice(0, last.index))) return `sent on and refused: ${told}`;
  const misread = misreadOf(one.bytes, whole);
  return misread === undefined ? undefined : `read ${misread} where a strict reader does not: ${told}`;
}

/** The first of what the app got that is none of what a strict reader finds in the client's bytes, in that order. */
function misreadOf(bytes: Buffer, got: readonly StrictRequest[]): string | undefined {
  const reader = new StrictRequests({ client: true });
  reader.push(bytes);
  const { requests } = reader;
  for (const one of got) {
    let asked = requests.shift();
    while (asked !== undefined && !isSame(asked, one)) asked = requests.shift();
    if (asked === undefined) return JSON.stringify(one);
  }
  return undefined;
}

function isSame(asked: StrictRequest, got: StrictRequest): boolean {
  const path = asked.target.replace(/^https?:\/\/[^/?]*/i, '');
  return (
    asked.method === got.method && asked.body === got.body && (path.startsWith('/') ? path : `/${path}`) === got.target
  );
}

function countAnswers(said: string): number {
  return said.split('x-upstream: 1').length - 1;
}

/** All that came back; undefined when the connection did not end. */
function talk(socket: Socket, { bytes, cuts, end }: FuzzCase): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(undefined);
    }, hangMs);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      // It was answered; whatever is still open would wait for more of it.
      if (end === 'linger') socket.end();
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(said);
    });
    socket.on('connect', () => void send(socket, bytes, cuts, end));
  });
}

async function send(socket: Socket, bytes: Buffer, cuts: readonly number[], end: FuzzCase['end']): Promise<void> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (socket.destroyed) return;
    if (cut > from) socket.write(bytes.subarray(from, cut));
    from = cut;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (end === 'reset') socket.resetAndDestroy();
  else if (end === 'fin') socket.end();
  else setTimeout(() => socket.end(), 200).unref();
}

/** Lists what is wrong once all conversations are over. */
async function atRest(dlx: Dlx): Promise<string[]> {
  const { accounting } = dlx.core;
  const left = (): string[] => {
    const { accepted, held, inFlight, openStreams } = accounting;
    const sums = accounting.ended() === accepted ? [] : [`${accepted} accepted, ${accounting.ended()} outcomes`];
    const gauges =
      held + inFlight + openStreams === 0 ? [] : [`held ${held}, in flight ${inFlight}, streams ${openStreams}`];
    const open = dlx.server.connections.size === 0 ? [] : [`${dlx.server.connections.size} connections are still open`];
    return [...sums, ...gauges, ...open];
  };
  const endsAtMs = performance.now() + hangMs;
  while (left().length > 0 && performance.now() < endsAtMs) await new Promise((resolve) => setTimeout(resolve, 20));
  return left();
}
