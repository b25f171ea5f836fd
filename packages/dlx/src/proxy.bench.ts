// Requests per second of the DLX and of @fastify/http-proxy, in alternation: `node --conditions=@scaler/source src/proxy.bench.ts [seconds] [rounds]`.
// One process each for the proxy, the upstream and the load. Compare within one run only.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import httpProxy from '@fastify/http-proxy';
import { type Resource, type ResourceScaler, systemClock } from '@scaler/scaler-types';
import { fastify } from 'fastify';
import { createDlx, dataSettings, settings } from './index.ts';
import { loadConfig } from '@scaler/runtime';

const connections = 64;
const request = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';
const [role = 'main', argument = ''] = process.argv.slice(2);

async function upstream(): Promise<number> {
  const server = createServer((_req, res) => {
    res.writeHead(200, { 'content-length': 5 });
    res.end('hello');
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function dlx(to: number): Promise<number> {
  const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
  const resource: Resource = {
    namespace: 'default',
    name: 'web',
    phase: 'awake',
    scaleResources: [],
    targets: [{ service: 'web', port: 80 }],
  };
  const scaler: ResourceScaler = {
    getConfig: () => ({}),
    getResources: async () => [resource],
    setScale: async ([ref]) => (ref === undefined ? [] : [{ resource: ref, ok: true }]),
    resolveServiceName: () => `127.0.0.1:${to}`,
    watchEndpoints: (_target, listener) => listener([{ address: '127.0.0.1', port: to, id: 'a' }]),
  };
  const { values } = loadConfig(settings, { argv: [], env: {} });
  const made = createDlx({
    scaler,
    clock: systemClock,
    logger,
    identity: 'bench',
    settings: dataSettings(values),
    listenHost: '127.0.0.1',
    listenPort: 0,
    trustedPeers: [],
    pollMs: 60_000,
  });
  const port = await made.listen();
  void made.run(new AbortController().signal);
  await made.synced;
  return port;
}

async function baseline(to: number): Promise<number> {
  const app = fastify();
  await app.register(httpProxy, { upstream: `http://127.0.0.1:${to}`, disableRequestLogging: true });
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  return (app.server.address() as AddressInfo).port;
}

/** CPU seconds that a process has used so far. */
async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [seconds] = (await once(child, 'message')) as [number];
  return seconds;
}

function tellCpu(): void {
  process.on('SIGINT', () => process.exit());
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.((user + system) / 1e6);
  });
}

/** Answers per second, and the 50th and 99th percentile of the latency in milliseconds. */
async function load(port: number, seconds: number): Promise<{ rps: number; p50: number; p99: number }> {
  const tookMs: number[] = [];
  const endsAtMs = performance.now() + seconds * 1000;
  const one = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    let sentAtMs = performance.now();
    let text = '';
    socket.write(request);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (!text.endsWith('hello')) return;
      if (!text.startsWith('HTTP/1.1 200')) throw new Error(text);
      text = '';
      const nowMs = performance.now();
      tookMs.push(nowMs - sentAtMs);
      sentAtMs = nowMs;
      if (nowMs < endsAtMs) socket.write(request);
      else socket.end();
    });
    await once(socket, 'close');
  };
  await Promise.all(Array.from({ length: connections }, one));
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? 0;
  return { rps: tookMs.length / seconds, p50: at(0.5), p99: at(0.99) };
}

async function start(name: string, to: number): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(import.meta.filename, [name, String(to)], { execArgv: process.execArgv });
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

async function main(seconds: number, rounds: number): Promise<void> {
  const app = await start('upstream', 0);
  const peers = { dlx: await start('dlx', app.port), baseline: await start('baseline', app.port) };
  const medians: Record<string, number[]> = { direct: [], dlx: [], baseline: [] };
  for (const { port } of Object.values(peers)) await load(port, 1);
  for (let round = 0; round < rounds; round++) {
    for (const [name, port] of [
      ['direct', app.port],
      ['dlx', peers.dlx.port],
      ['baseline', peers.baseline.port],
    ] as const) {
      const child = name === 'direct' ? app.child : peers[name].child;
      const before = await cpuOf(child);
      const { rps, p50, p99 } = await load(port, seconds);
      const cpuUs = (((await cpuOf(child)) - before) / (rps * seconds)) * 1e6;
      medians[name]?.push(rps);
      process.stdout.write(
        `${name.padEnd(9)} ${rps.toFixed(0)} rps, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${cpuUs.toFixed(0)} µs CPU each\n`,
      );
    }
  }
  const median = (name: string): number => (medians[name] ?? []).sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
  process.stdout.write(`dlx / @fastify/http-proxy: ${(median('dlx') / median('baseline')).toFixed(2)}\n`);
  for (const { child } of [app, ...Object.values(peers)]) child.kill();
}

if (['upstream', 'dlx', 'baseline'].includes(role)) tellCpu();
if (role === 'upstream') process.send?.(await upstream());
else if (role === 'dlx') process.send?.(await dlx(Number(argument)));
else if (role === 'baseline') process.send?.(await baseline(Number(argument)));
else await main(Number(role === 'main' ? 3 : role), Number(argument === '' ? 3 : argument));
