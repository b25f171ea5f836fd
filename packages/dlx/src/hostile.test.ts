import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { body, connectFrames, type Fields, head, request, startFrameApp } from './testing/frames.ts';
import { type Harness, startHarness } from './testing/harness.ts';
import { ask, connectHttp2, open2, startHttp2App } from './testing/http2.ts';
import { endOf } from './testing/stream.ts';
import { startTcp, startUpstream } from './testing/upstream.ts';

/**
 * What a peer sends and Node throws at when it is passed on. A throw that nobody catches fails the test by itself; that
 * uploads of others live on is seen too.
 */

const uploads = 20;
let h: Harness;
let live: { finish(): Promise<void> };

beforeEach(async () => {
  h = await startHarness();
  live = await startUploads();
});

/** Uploads of another tenant, half of them over one connection in HTTP/2, that are under way. */
async function startUploads(): Promise<{ finish(): Promise<void> }> {
  const one = await startUpstream((_req, res, text) => res.end(text));
  const two = await startHttp2App((stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  h.scaler.endpoints('one', [one.endpoint]);
  h.scaler.endpoints('two', [two.endpoint]);
  for (const name of ['one', 'two']) h.scaler.set({ name, namespace: 'other', phase: 'awake' });
  const session = connectHttp2(h.port);
  const streams = Array.from({ length: uploads / 2 }, () => {
    const upload = open2(session, { ':method': 'POST', ':path': '/', ':authority': 'two.other' }, undefined);
    upload.stream.write('be');
    return upload;
  });
  const sockets = await Promise.all(
    Array.from({ length: uploads / 2 }, async () =>
      endOf(await h.raw('POST / HTTP/1.1\r\nhost: one.other\r\ncontent-length: 5\r\n\r\nbe')),
    ),
  );
  await h.until(() => h.dlx.core.accounting.inFlight === uploads, 'all are under way');
  return {
    async finish() {
      for (const { stream } of streams) stream.end('gun');
      for (const { socket } of sockets) socket.write('gun');
      for (const { answer } of streams) expect(await answer).toMatchObject({ status: 200, body: 'begun', whole: true });
      for (const { hears } of sockets) await hears('\r\n\r\nbegun');
    },
  };
}

const wellFormed: Fields = [
  ['x-own', '1'],
  ['grpc-status', '0'],
];
/** Nothing of these is for whom they are passed on to; nghttp2 and llhttp let them through. */
const dropped: Fields = [
  ['http2-settings', 'x'],
  ['te', 'Trailers'],
  ['host', 'other'],
  ['authorization', 'x'],
  ['content-type', 'text/plain'],
  ['set-cookie', 'a=1'],
  ['trailer', 'x'],
];

describe("what stands in a client's trailers and may not", () => {
  test('is left out of them, and the request is served', async () => {
    const app = await startHttp2App((stream) => {
      stream.on('trailers', (trailers) => {
        stream.respond({ ':status': 200 });
        stream.end(JSON.stringify(Object.keys(trailers)));
      });
      stream.resume();
    });
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    let heard = '';
    const client = await connectFrames(h.port, ({ type, payload }) => (heard += type === 0 ? payload : ''));
    client.write(Buffer.concat([head(1, request('POST')), body(1, 'x'), head(1, [...dropped, ...wellFormed], true)]));
    await h.until(() => heard.includes('grpc-status'), 'it is answered');
    expect(JSON.parse(heard)).toEqual(['x-own', 'grpc-status']);
    client.destroy();
    await live.finish();
    await h.end({ forwarded: uploads + 1 });
  });
});

describe("what stands in an endpoint's trailers and may not is left out of them:", () => {
  test('in HTTP/2', async () => {
    const app = await startFrameApp((socket, stream) =>
      socket.write(
        Buffer.concat([
          head(stream, [[':status', '200']]),
          body(stream, 'x'),
          head(stream, [...dropped, ...wellFormed], true),
        ]),
      ),
    );
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    const answer = await ask(connectHttp2(h.port), { ':path': '/' });
    expect(answer).toMatchObject({ status: 200, body: 'x', whole: true });
    expect(Object.entries(answer.trailers)).toEqual(wellFormed);
    await live.finish();
    await h.end({ forwarded: uploads + 1 });
  });

  test('in HTTP/1, and what Connection names', async () => {
    const lines = [...dropped, ...wellFormed, ['x-named', '1']]
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    const app = await startTcp((socket) =>
      socket.once('data', () =>
        socket.write(
          `HTTP/1.1 200 OK\r\nconnection: keep-alive, x-named\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n${lines}\r\n`,
        ),
      ),
    );
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    const answer = await h.send();
    expect(answer).toMatchObject({ status: 200, body: 'x', trailers: Object.fromEntries(wellFormed) });
    await live.finish();
    await h.end({ forwarded: uploads + 1 });
  });
});

const offer = 'GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
const statuses = ['000', '001', '050', '099', '100', '101', '102', '103', '104', '150', '199', '200', '204', '205'];
statuses.push('299', '304', '399', '418', '421', '499', '599', '600', '666', '999');

/** What becomes of an answer with this status where the client may be told any from 200 on. */
function wanted(status: string, most: number): { status: number; outcome: 'forwarded' | 'upstream-reset' } {
  const passed = Number(status) >= 200 && Number(status) <= most;
  return passed ? { status: Number(status), outcome: 'forwarded' } : { status: 502, outcome: 'upstream-reset' };
}

describe('any status', () => {
  let socketOfApp: Socket | undefined;
  afterEach(() => void socketOfApp?.destroy());

  /** An app in HTTP/1 that answers with it, and then ends its side. */
  async function answering(status: string, fields = 'content-length: 0\r\n'): Promise<void> {
    const app = await startTcp((socket) => {
      socketOfApp = socket;
      socket.once('data', () => socket.end(`HTTP/1.1 ${status} So\r\n${fields}\r\n`));
    });
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
  }

  test.each(statuses)('%s to an offer', async (status) => {
    await answering(status);
    const client = endOf(await h.raw(offer));
    const { outcome, status: told } = wanted(status, 999);
    await client.hears(`HTTP/1.1 ${told} `);
    client.socket.destroy();
    await live.finish();
    await h.end({ forwarded: uploads + (outcome === 'forwarded' ? 1 : 0), ...(told === 502 && { [outcome]: 1 }) });
  });

  test.each(statuses)('%s in HTTP/1', async (status) => {
    await answering(status);
    const { outcome, status: told } = wanted(status, 999);
    expect((await h.send({ method: 'POST', body: 'x' })).status).toBe(told);
    await live.finish();
    await h.end({ forwarded: uploads + (outcome === 'forwarded' ? 1 : 0), ...(told === 502 && { [outcome]: 1 }) });
  });

  test.each(statuses.flatMap((status) => [[status, 'at once'] as const, [status, 'behind a 103'] as const]))(
    '%s in HTTP/2, %s',
    async (status, when) => {
      const app = await startFrameApp((socket, stream) => {
        if (when !== 'at once')
          socket.write(
            head(stream, [
              [':status', '103'],
              ['constructor', 'x'],
            ]),
          );
        socket.write(head(stream, [[':status', status]]));
        // What is no end in itself ends with this.
        if (status.startsWith('1')) socket.write(Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 2]));
        else socket.write(body(stream, '', true));
      });
      h.scaler.endpoints('web', [app.endpoint]);
      h.scaler.set({ name: 'web', phase: 'awake' });
      const { outcome, status: told } = wanted(status, 599);
      const answer = await ask(connectHttp2(h.port), { ':method': 'POST', ':path': '/' }, 'x');
      expect(answer.status).toBe(told);
      await live.finish();
      await h.end({ forwarded: uploads + (outcome === 'forwarded' ? 1 : 0), ...(told === 502 && { [outcome]: 1 }) });
    },
  );
});

describe('Trailer in an answer that has no chunks', () => {
  test.each([
    ['GET', '200', 'content-length: 1\r\n', 'x'],
    ['GET', '304', '', ''],
    ['HEAD', '200', 'transfer-encoding: chunked\r\n', ''],
  ])('%s %s with "%s" is passed on', async (method, status, fields, text) => {
    const app = await startTcp((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 ${status} So\r\ntrailer: x-own\r\n${fields}\r\n${text}`)),
    );
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    expect(await h.send({ method })).toMatchObject({ status: Number(status), body: text });
    const client = endOf(await h.raw(offer.replace('GET', method)));
    await client.hears(`HTTP/1.1 ${status} `);
    client.socket.destroy();
    await live.finish();
    await h.end({ forwarded: uploads + 2 });
  });
});
