import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { systemClock } from '@scaler/scaler-types';
import { loadConfig } from '@scaler/runtime';
import { silentLogger } from '@scaler/testing-kit';
import { createDlx, type Dlx } from '../../dlx.ts';
import { dataSettings, settings } from '../../settings.ts';
import { dialectOf } from '../../tcp/dialect.ts';
import { freePort } from '../free-port.ts';
import { ScriptedScaler } from '../scripted-scaler.ts';
import { createRandom, type Random } from './random.ts';

export interface RawFuzzReport {
  /** In words, with the seed that repeats it. Empty: all well. */
  readonly failures: readonly string[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly accepted: number;
  /** Conversations of which the app got something raw. */
  readonly joined: number;
}

interface RawCase {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
  readonly end: 'fin' | 'reset';
  /** To the port of which nothing is declared. */
  readonly sniffed: boolean;
}

const hangMs = 8000;
const beginnings = [
  ...['\x16\x03\x01', '\0\0\0\x08\x04\xd2\x16\x2f', '\0\0\0\x10\x04\xd2\x16\x2e', '*1\r\n$4\r\nPING\r\n'],
  ...['PING\r\n', 'get /key\r\n', 'CONNECT {}\r\n', 'OPTIONS rtsp://x/ RTSP/1.0\r\n', '{"id":1}\n'],
];
const others = [
  ...['GET / HTTP/1.1\r\nhost: x\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '*1', '\x16', '\0\0\0', ''],
  ...['LIST / HTTP/1.1\r\nhost: x\r\n\r\n', 'GET', 'PIN'],
];

/**
 * Sends whatever bytes to raw ports, each conversation from an address of its own, by which the app, which knows it by the
 * PROXY protocol, knows whose bytes it got: those and in that order, all of them where the client stayed, and nothing raw
 * of what is HTTP.
 */
export async function fuzzRaw({ count, seed }: { count: number; seed: number }): Promise<RawFuzzReport> {
  const app = await startEcho();
  const scaler = new ScriptedScaler({ auto: true });
  const { values } = loadConfig(settings, { argv: [], env: {} });
  const dlx = createDlx({
    ...{ scaler, clock: systemClock, logger: silentLogger, identity: 'fuzzed', settings: dataSettings(values) },
    ...{ listenHost: '127.0.0.1', listenPort: 0, trustedPeers: [], pollMs: 60_000 },
  });
  const [raw, sniffed] = [await freePort(), await freePort()];
  const ours = { proxyProtocol: 'v2' } as const;
  const targets = [
    { service: 'db', port: 1, listenPort: raw, protocol: 'tcp', ...ours } as const,
    { service: 'db', port: 2, listenPort: sniffed, ...ours } as const,
  ];
  scaler.set({ name: 'db', phase: 'awake', targets });
  scaler.endpoints('db', [{ address: '127.0.0.1', port: app.port, id: 'app' }]);
  const stop = new AbortController();
  const running = dlx.run(stop.signal);
  await dlx.synced;
  while (!dlx.listeners.isListening(raw) || !dlx.listeners.isListening(sniffed)) await turn();
  const failures: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && failures.length < 10) {
      const index = next++;
      const one = rawCase(createRandom(seed + index));
      const wrong = await runCase(one, one.sniffed ? sniffed : raw, index, app.got);
      if (wrong !== undefined)
        failures.push(
          `raw, seed ${seed + index}: ${wrong}: ${JSON.stringify(one.bytes.toString('latin1').slice(0, 200))}`,
        );
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  failures.push(...(await atRest(dlx)));
  const { outcomes, accepted } = dlx.core.accounting;
  stop.abort();
  await running;
  dlx.resources.close();
  dlx.listeners.close();
  dlx.core.upstreams.close();
  await dlx.server.close();
  app.close();
  return { failures, outcomes: { ...outcomes }, accepted, joined: app.got.size };
}

function rawCase(random: Random): RawCase {
  const begin = Buffer.from(random.oneIn(2) ? random.pick(beginnings) : random.pick(others), 'latin1');
  const rest = Buffer.alloc(random.below(random.oneIn(8) ? 200_000 : 40));
  for (let at = 0; at < rest.length; at += 1 + random.below(64)) rest[at] = random.below(256);
  const bytes = Buffer.concat([begin, random.oneIn(2) ? rest : Buffer.alloc(0)]);
  if (bytes.length > 0 && random.oneIn(4)) bytes[random.below(Math.min(8, bytes.length))] = random.below(256);
  const cuts = Array.from({ length: random.below(4) }, () => random.below(bytes.length + 1)).sort((a, b) => a - b);
  return { bytes, cuts, end: random.oneIn(4) ? 'reset' : 'fin', sniffed: random.oneIn(2) };
}

/** Undefined when all was well. */
async function runCase(
  { bytes, cuts, end, sniffed }: RawCase,
  port: number,
  index: number,
  got: ReadonlyMap<string, Buffer[]>,
): Promise<string | undefined> {
  const n = index + 2;
  const localAddress = `127.${1 + ((n >> 16) & 127)}.${(n >> 8) & 255}.${n & 255}`;
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: true });
  const heard = talk(socket);
  await once(socket, 'connect').catch(() => {});
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut > from && !socket.destroyed) socket.write(bytes.subarray(from, cut));
    from = cut;
    await turn();
  }
  if (end === 'reset') socket.resetAndDestroy();
  else socket.end();
  const said = await heard;
  if (said === undefined) return 'no end';
  const told = Buffer.concat(got.get(localAddress) ?? []);
  const dialect = dialectOf(bytes);
  const isRaw = !sniffed || (dialect !== undefined && dialect !== 'more');
  if (!isRaw) return told.length > 0 ? 'taken for raw' : undefined;
  if (bytes.compare(told, 0, told.length, 0, Math.min(told.length, bytes.length)) !== 0) return 'other bytes';
  if (told.compare(said, 0, said.length, 0, Math.min(said.length, told.length)) !== 0) return 'another answer';
  return undefined;
}

/** All that came back; undefined when the connection did not end. */
function talk(socket: Socket): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      resolve(undefined);
      socket.destroy();
    }, hangMs);
    socket.on('error', () => {}).on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
}

/** Echoes what comes behind a PROXY header, and writes down by its client's address; all else is answered in HTTP. */
async function startEcho(): Promise<{ port: number; got: Map<string, Buffer[]>; close(): void }> {
  const got = new Map<string, Buffer[]>();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    let seen = Buffer.alloc(0);
    let mine: Buffer[] | undefined;
    const take = (chunk: Buffer): void => {
      mine?.push(chunk);
      socket.write(chunk);
    };
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      if (mine !== undefined) return take(chunk);
      seen = Buffer.concat([seen, chunk]);
      if (seen.indexOf('QUIT\n') === 7 && seen.length >= 28) {
        mine = [];
        got.set([...seen.subarray(16, 20)].join('.'), mine);
        if (seen.length > 28) take(seen.subarray(28));
      } else if (seen.includes('\r\n\r\n') && seen[0] !== 0x0d) {
        socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
      }
    });
  }).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, got, close };
}

async function atRest({ core, server }: Dlx): Promise<string[]> {
  const { accounting } = core;
  const left = (): string[] => {
    const { accepted, held, heldBytes, inFlight, openStreams } = accounting;
    const sums = accounting.ended() === accepted ? [] : [`${accepted} accepted, ${accounting.ended()} outcomes`];
    const busy = held + heldBytes + inFlight + openStreams + core.tunnels.size + server.connections.size;
    return busy === 0 ? sums : [...sums, `not at rest: ${JSON.stringify({ held, heldBytes, inFlight, openStreams })}`];
  };
  const endsAtMs = performance.now() + hangMs;
  while (left().length > 0 && performance.now() < endsAtMs) await new Promise((resolve) => setTimeout(resolve, 20));
  return left();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
