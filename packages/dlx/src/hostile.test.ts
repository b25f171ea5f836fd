import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { beside, type Bystanders, finishAll, startBystanders } from './testing/bystanders.ts';
import { body, connectFrames, type Fields, head, request, reset, startFrameApp } from './testing/frames.ts';
import { type Harness, startHarness } from './testing/harness.ts';
import { ask, connectHttp2, type Http2Exchange, startHttp2App } from './testing/http2.ts';
import { endOf } from './testing/stream.ts';
import { startTcp } from './testing/upstream.ts';

/**
 * What a peer sends and Node throws at when it is passed on. An uncaught throw fails the test by itself; that
 * uploads of others live on is seen too.
 */

const uploads = 20;
let h: Harness;
let live: Bystanders;

beforeEach(async () => {
  h = await startHarness();
  live = await startBystanders(h);
});

/** Uploads on the same connection of the client and the same one to the endpoint. */
async function besides(session: ClientHttp2Session): Promise<Http2Exchange[]> {
  const { accounting } = h.dlx.core;
  const others = beside(session);
  await h.until(() => accounting.inFlight === 2 * uploads, 'they are under way');
  return others;
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
      let names: string[] | undefined;
      let text = '';
      stream.on('trailers', (trailers) => (names = Object.keys(trailers)));
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end(names === undefined ? text : JSON.stringify(names));
      });
    });
    h.scaler.endpoints('web', [app.endpoint]);
    h.scaler.set({ name: 'web', phase: 'awake' });
    const others = await besides(connectHttp2(h.port));
    let heard = '';
    const client = await connectFrames(h.port, ({ type, payload }) => (heard += type === 0 ? payload : ''));
    client.write(Buffer.concat([head(1, request('POST')), body(1, 'x'), head(1, [...dropped, ...wellFormed], true)]));
    await h.until(() => heard.includes('grpc-status'), 'it is answered');
    expect(JSON.parse(heard)).toEqual(['x-own', 'grpc-status']);
    expect(app.sessions.size).toBe(1);
    client.destroy();
    await finishAll(others);
    await live.finish();
    await h.end({ forwarded: 2 * uploads + 1 });
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
    const session = connectHttp2(h.port);
    const others = await besides(session);
    const answer = await ask(session, { ':path': '/' });
    expect(answer).toMatchObject({ status: 200, body: 'x', whole: true });
    expect(Object.entries(answer.trailers)).toEqual(wellFormed);
    await finishAll(others);
    await live.finish();
    await h.end({ forwarded: 2 * uploads + 1 });
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

/** What becomes of an answer with this status where the client may get any from 200 on. */
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
        if (status.startsWith('1')) socket.write(reset(stream));
        else socket.write(body(stream, '', true));
      });
      h.scaler.endpoints('web', [app.endpoint]);
      h.scaler.set({ name: 'web', phase: 'awake' });
      const session = connectHttp2(h.port);
      const others = await besides(session);
      const { outcome, status: told } = wanted(status, 599);
      const answer = await ask(session, { ':method': 'DELETE', ':path': '/' });
      expect(answer.status).toBe(told);
      await finishAll(others);
      await live.finish();
      const forwarded = 2 * uploads + (outcome === 'forwarded' ? 1 : 0);
      await h.end({ forwarded, ...(told === 502 && { [outcome]: 1 }) });
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
