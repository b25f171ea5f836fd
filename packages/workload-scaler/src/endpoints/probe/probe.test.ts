import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { systemClock } from '@scaler/scaler-types';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { answers, probe } from './probe.ts';
import { startProbing } from './readiness.ts';

const address = '127.0.0.1';
const { signal } = new AbortController();
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function listen(server: TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  open.push(() => new Promise((resolve) => void server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

function serve(listener: RequestListener): Promise<number> {
  const server: Server = createHttp(listener);
  open.push(async () => server.closeAllConnections());
  return listen(server);
}

function http(port: number, changes: Partial<Extract<ProbeSpec, { type: 'http' }>> = {}): ProbeSpec {
  return {
    type: 'http',
    port,
    path: '/ready',
    tls: false,
    headers: [],
    timeoutMs: 500,
    successThreshold: 1,
    ...changes,
  };
}

async function unusedPort(): Promise<number> {
  const port = await listen(createTcp());
  await open.pop()?.();
  return port;
}

describe('an httpGet probe', () => {
  test.each([
    [200, true, true],
    [302, true, true],
    [404, false, true],
    [503, false, false],
  ])('answered %d', async (status, passes, isAnswer) => {
    const port = await serve((_, response) => void response.writeHead(status).end('body'));
    const outcome = (work: Promise<void>): Promise<boolean> =>
      work.then(
        () => true,
        () => false,
      );
    expect(await outcome(probe(http(port), address, systemClock, signal))).toBe(passes);
    expect(await outcome(answers(http(port), address, systemClock, signal))).toBe(isAnswer);
  });

  test('sends what the probe says, and closes', async () => {
    const seen: unknown[] = [];
    const port = await serve(({ url, headers }, response) => {
      seen.push(url, headers.host, headers['x-a'], headers['user-agent'], headers.connection);
      response.end();
    });
    const headers = [
      ['Host', 'app.example.com'],
      ['X-A', '1'],
    ] as const;
    await probe(http(port, { path: '/r d?x=1', headers }), address, systemClock, signal);
    expect(seen).toEqual(['/r%20d?x=1', 'app.example.com', '1', 'kube-probe/scaler', 'close']);
  });

  test('fails in time when no answer comes', async () => {
    const port = await serve(() => undefined);
    const failure = probe(http(port, { timeoutMs: 30 }), address, systemClock, signal);
    await expect(failure).rejects.toMatchObject({ code: 'timeout' });
  });

  test('ends with its signal', async () => {
    const stop = new AbortController();
    const port = await serve(() => stop.abort());
    await expect(probe(http(port), address, systemClock, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
  });

  test('does not wait for a body without end', async () => {
    const port = await serve((_, response) => void response.write('x'.repeat(200_000)));
    await probe(http(port), address, systemClock, signal);
  });
});

test('a tcpSocket probe passes when the connection opens', async () => {
  const spec = { type: 'tcp', timeoutMs: 500, successThreshold: 1 } as const;
  await probe({ ...spec, port: await listen(createTcp((socket) => socket.destroy())) }, address, systemClock, signal);
  const refused = probe({ ...spec, port: await unusedPort() }, address, systemClock, signal);
  await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

describe('a grpc probe', () => {
  async function health(status: number, grpcStatus = '0'): Promise<{ port: number; asked: string[] }> {
    const asked: string[] = [];
    const server = createHttp2();
    const sessions = new Set<{ destroy(): void }>();
    server.on('session', (session) => sessions.add(session));
    open.push(async () => sessions.forEach((session) => session.destroy()));
    server.on('stream', (stream, headers) => {
      stream.on('data', (data: Buffer) => asked.push(`${headers[':path']} ${data.subarray(7).toString()}`));
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
      });
    });
    return { port: await listen(server), asked };
  }

  const spec = (port: number): ProbeSpec => ({
    type: 'grpc',
    port,
    service: 'a.B',
    timeoutMs: 500,
    successThreshold: 1,
  });

  test('passes when the service is SERVING', async () => {
    const { port, asked } = await health(1);
    await probe(spec(port), address, systemClock, signal);
    expect(asked).toEqual(['/grpc.health.v1.Health/Check a.B']);
  });

  test('fails when it is not, is unknown, or does not speak HTTP/2', async () => {
    const unavailable = { code: 'unavailable' };
    await expect(probe(spec((await health(2)).port), address, systemClock, signal)).rejects.toMatchObject(unavailable);
    await expect(probe(spec((await health(1, '5')).port), address, systemClock, signal)).rejects.toMatchObject(
      unavailable,
    );
    const needsPreflight = await listen(createTcp((socket) => socket.resume().end('nonsense\r\n\r\n')));
    await expect(probe(spec(needsPreflight), address, systemClock, signal)).rejects.toHaveProperty('code');
    const refused = { code: 'ECONNREFUSED' };
    await expect(probe(spec(await unusedPort()), address, systemClock, signal)).rejects.toMatchObject(refused);
  });
});

test('probing goes on until all probes passed as often in a row as needed, and tells once', async () => {
  let asked = 0;
  const port = await serve((_, response) => {
    asked += 1;
    response.writeHead(asked === 2 || asked >= 4 ? 200 : 503).end();
  });
  const passed = await new Promise<boolean>((resolve) => {
    const run = startProbing([http(port, { successThreshold: 2 })], address, systemClock, (value) => {
      run.stop();
      resolve(value);
    });
  });
  expect(passed).toBe(true);
  expect(asked).toBe(5);
});
