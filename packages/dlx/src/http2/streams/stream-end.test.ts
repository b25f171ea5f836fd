import { constants } from 'node:http2';
import { expect, test } from '@jest/globals';
import { connectFrames, frame, head, request, reset } from '../../testing/frames.ts';
import { clientOptions, serverOptions } from './options.ts';
import { startAwake } from '../../testing/harness.ts';
import { ask, connectHttp2, open2, startHttp2App } from '../../testing/http2.ts';

const body = Buffer.alloc(300_000);
/** So that something always waits to be sent. */
const smallWindow = { settings: { initialWindowSize: 1000 } };

test('an endpoint that resets an upload without an error before it answers is heard at once', async () => {
  const app = await startHttp2App(
    (stream) => stream.once('data', () => stream.close(constants.NGHTTP2_NO_ERROR)),
    smallWindow,
  );
  const h = await startAwake([app]);
  const { status, problem } = await ask(connectHttp2(h.port), { ':method': 'POST' }, body);
  expect([status, problem.code]).toEqual([502, 'upstream-reset']);
  await h.end({ 'upstream-reset': 1 });
});

test('what broken off streams had unsent is no bound of a connection: Node never counts it back', () => {
  for (const { maxSessionMemory = 0 } of [serverOptions, clientOptions]) expect(maxSessionMemory).toBeGreaterThan(1e6);
});

test('a connection serves on after however many answers that its client broke off', async () => {
  const app = await startHttp2App((stream) => {
    stream.respond({ ':status': 200 });
    stream.end(body);
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port, smallWindow);
  // Resets of more streams than 1,000 at once end the connection, for another reason.
  for (let i = 0; i < 950; i++) {
    const { stream, answer } = open2(client, {});
    stream.once('response', () => stream.close(constants.NGHTTP2_CANCEL));
    expect((await answer).status).toBe(200);
  }
  expect((await ask(client, {})).body).toHaveLength(body.length);
  await h.end({ forwarded: 1, 'client-gone': 950 });
}, 60_000);

test('what a client leaves behind with a reset that names no error is gone, and its connection can end', async () => {
  const app = await startHttp2App((stream) => {
    stream.respond({ ':status': 200 });
    stream.end(body);
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port, { settings: { initialWindowSize: 0 } });
  for (let i = 0; i < 50; i++) {
    const { stream, answer } = open2(client, { ':method': 'POST' }, undefined);
    stream.once('response', () => stream.close(constants.NGHTTP2_NO_ERROR));
    expect((await answer).status).toBe(200);
  }
  h.dlx.server.leave();
  await h.until(() => h.dlx.server.connections.size === 0, 'the connection ends');
  await h.until(() => app.streams.every(({ closed }) => closed), 'no stream is left upstream');
  await h.end({ 'client-gone': 50 });
});

test('so is what it leaves of answers that were whole but for its window', async () => {
  const app = await startHttp2App((stream) => {
    stream.respond({ ':status': 200 });
    stream.end('short');
  });
  const h = await startAwake([app]);
  const socket = await connectFrames(h.port);
  // No window at all for any stream.
  socket.write(frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])));
  for (let id = 1; id < 100; id += 2) socket.write(head(id, request(id % 4 === 1 ? 'GET' : 'POST'), id % 4 === 1));
  await h.until(() => h.dlx.core.accounting.outcomes.forwarded === 50, 'all have been answered');
  for (let id = 1; id < 100; id += 2) socket.write(reset(id, constants.NGHTTP2_NO_ERROR));
  h.dlx.server.leave();
  await h.until(() => h.dlx.server.connections.size === 0, 'the connection ends');
  await h.end({ forwarded: 50 });
});
