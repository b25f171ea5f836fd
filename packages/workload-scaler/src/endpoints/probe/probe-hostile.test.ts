import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { probe } from './probe.ts';

/** What a pod answers a probe with. A throw out of a listener, or an error without a listener, fails the test by itself. */

const address = '127.0.0.1';
const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** A pod that answers the first bytes that come. */
async function pod(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}

/** `ok`, or why not. */
async function asked(spec: ProbeSpec): Promise<string> {
  try {
    await probe(spec, address, systemClock, new AbortController().signal);
    return 'ok';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

const common = { timeoutMs: 200, successThreshold: 1 };

describe('an httpGet probe ends, whatever it is answered:', () => {
  const chunked = 'HTTP/1.1 200 So\r\ntransfer-encoding: chunked\r\n\r\n';
  test.each([
    ['status 000', 'HTTP/1.1 000 So\r\ncontent-length: 0\r\n\r\n', 'unavailable'],
    ['status 999', 'HTTP/1.1 999 So\r\ncontent-length: 0\r\n\r\n', 'unavailable'],
    ['another protocol', 'HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello', 'connection'],
    ['another protocol without a name', 'HTTP/1.1 101 So\r\n\r\nhello', 'unavailable'],
    ['1xx only', 'HTTP/1.1 103 So\r\n\r\n'.repeat(1000), 'timeout'],
    ['no chunk', `${chunked}zz\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
    ['two answers', 'HTTP/1.1 200 So\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 So\r\n\r\n', 'ok'],
    [
      'trailers that frame',
      `${chunked}0\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n`,
      'HPE_INVALID_CONTENT_LENGTH',
    ],
  ])('%s', async (_what, text, end) => {
    const port = await pod((socket) => {
      socket.write(text);
      setImmediate(() => socket.resetAndDestroy());
    });
    const seen = await asked({ ...common, type: 'http', port, path: '/', tls: false, headers: [] });
    // A reset may be there before what was written.
    expect([end, 'ECONNRESET', 'connection']).toContain(seen);
  });

  test('another protocol is no answer, and is not waited for', async () => {
    const port = await pod(
      (socket) => void socket.write('HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    );
    const spec = { ...common, timeoutMs: 5000, type: 'http', port, path: '/', tls: false, headers: [] } as const;
    expect(await asked(spec)).toBe('connection');
  });
});

function frame(type: number, flags: number, stream: number, ...payload: number[]): Buffer {
  return Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream, ...payload]);
}

const settings = frame(4, 0, 0);
/** That stream 2 is one that the pod opens: GET http://x/. */
const promise = frame(5, 4, 1, 0, 0, 0, 2, 0x82, 0x86, 0x84, 0x01, 1, 0x78);
const internalError = [0, 0, 0, 2];

describe('a grpc probe ends, whatever it is answered:', () => {
  test.each([
    ['a stream of the pod that it resets', [promise, frame(3, 0, 2, ...internalError)]],
    ['a stream of the pod, and the end', [promise, frame(7, 0, 0, 0, 0, 0, 0, ...internalError)]],
    ['a stream of the pod, and a reset', [promise]],
    ['the end, with a code that does not exist', [frame(7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99)]],
    ['421', [frame(1, 5, 1, 0x08, 3, 0x34, 0x32, 0x31)]],
    ['status 099 behind a 103', [frame(1, 4, 1, 0x08, 3, 0x31, 0x30, 0x33), frame(1, 4, 1, 0x08, 3, 0x30, 0x39, 0x39)]],
    ['a setting that may not be', [frame(4, 0, 0, 0, 2, 0, 0, 0, 7)]],
    ['no HTTP/2', [Buffer.from('HTTP/1.1 200 OK\r\n\r\n')]],
  ])('%s', async (_what, frames) => {
    const port = await pod((socket) => {
      socket.write(Buffer.concat([settings, ...frames]));
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    expect(await asked({ ...common, type: 'grpc', port, service: '' })).not.toBe('ok');
  });
});
