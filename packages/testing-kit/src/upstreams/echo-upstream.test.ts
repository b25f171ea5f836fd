import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { EchoAnswer } from './echo-app.ts';
import { echoAppPath } from './echo-app-path.ts';
import { type EchoUpstream, type EchoUpstreamOptions, startEchoUpstream } from './echo-upstream.ts';

const open: EchoUpstream[] = [];
const sockets: Socket[] = [];

async function start(options?: EchoUpstreamOptions): Promise<EchoUpstream> {
  const upstream = await startEchoUpstream(options);
  open.push(upstream);
  return upstream;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(open.splice(0).map((upstream) => upstream.close()));
});

async function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (caught: Error & { cause?: { code?: string } }) => caught,
  );
  return error?.cause?.code;
}

describe('the echo upstream', () => {
  test('answers with what it received', async () => {
    const upstream = await start({ identity: 'me', statusCode: 201 });
    const body = 'x'.repeat(100_000);
    const response = await fetch(`${upstream.url}/a?b=c`, { method: 'POST', body, headers: { 'x-request-id': 'r1' } });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      identity: 'me',
      count: 1,
      method: 'POST',
      url: '/a?b=c',
      bodyLength: 100_000,
      bodySha256: createHash('sha256').update(body).digest('hex'),
      headers: { 'x-request-id': 'r1' },
    } satisfies Partial<EchoAnswer>);
  });

  test('names the request ids that came twice', async () => {
    const upstream = await start();
    for (const id of ['a', 'b', 'a', '', '']) {
      await (await fetch(upstream.url, { headers: { 'x-request-id': id } })).json();
    }
    expect(upstream.count).toBe(5);
    expect(upstream.duplicates()).toEqual(['a']);
  });

  test('resets the first requests, then answers', async () => {
    const upstream = await start({ resetFirst: 2 });
    expect(await codeOf(fetch(upstream.url))).toBe('ECONNRESET');
    expect(await codeOf(fetch(upstream.url))).toBe('ECONNRESET');
    expect((await fetch(upstream.url)).status).toBe(200);
  });

  test('refuses connections, and takes them again on the same port', async () => {
    const upstream = await start({ refuse: true });
    expect(await codeOf(fetch(upstream.url))).toBe('ECONNREFUSED');
    await upstream.refuse(false);
    expect((await fetch(upstream.url)).status).toBe(200);
  });

  test('answers 503 until it is ready', async () => {
    const upstream = await start({ readyAfterMs: 60_000 });
    expect((await fetch(`${upstream.url}/healthz`)).status).toBe(503);
    upstream.behaviour.readyAfterMs = 0;
    expect((await fetch(`${upstream.url}/healthz`)).status).toBe(200);
    expect(upstream.count).toBe(0);
  });

  test('finishes what is in flight when it stops, and takes no new connection', async () => {
    const upstream = await start({ delayMs: 50 });
    const idle = await dial(upstream.port);
    idle.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(idle, 'data');
    const busy = fetch(upstream.url);
    while (upstream.count === 0) await new Promise((resolve) => setImmediate(resolve));
    const stopped = upstream.stop();
    await once(idle, 'close');
    expect(await codeOf(fetch(upstream.url))).toBe('ECONNREFUSED');
    const response = await busy;
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.json()).toMatchObject({ count: 1 });
    await stopped;
  });
});

test('the echo program serves on POD_IP:PORT, finishes at SIGTERM and exits with 0', async () => {
  const probe = await start();
  const { port } = probe;
  await probe.close();
  const child = spawn(process.execPath, [echoAppPath()], {
    env: { POD_IP: '127.0.0.1', PORT: String(port), DELAY_MS: '30', IDENTITY: 'prog', START_DELAY_MS: '20' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk));
  try {
    const url = `http://127.0.0.1:${port}`;
    while ((await codeOf(fetch(`${url}/healthz`))) === 'ECONNREFUSED') {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const body = fetch(url, { headers: { 'x-request-id': 'one' } }).then((response) => response.json());
    let log: { count: number } = { count: 0 };
    while (log.count === 0) log = (await (await fetch(`${url}/_log`)).json()) as typeof log;
    child.kill('SIGTERM');
    expect(await body).toMatchObject({ identity: 'prog', count: 1 });
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(output).toBe('');
  } finally {
    child.kill('SIGKILL');
  }
});
