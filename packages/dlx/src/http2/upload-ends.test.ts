import { once } from 'node:events';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { expect, test } from '@jest/globals';
import { until } from '../testing/harness.ts';
import { ask, connectHttp2, type Http2App, open2, startHttp2App } from '../testing/http2.ts';
import { type RealDlx, startRealDlx } from '../testing/real-dlx.ts';

// Uploads that end in every way but the usual, through the real program in a process of its own.

const body = Buffer.alloc(300_000);
const post = { ':method': 'POST' };
const times = 60;
/** Both ends of a test have bounds of their own, which are not what is tested. */
const roomy = { maxSessionMemory: 1000 };

interface Begun {
  readonly app: Http2App;
  readonly dlx: RealDlx;
}

async function begin(onStream: (stream: ServerHttp2Stream) => void, settings = {}): Promise<Begun> {
  const answerGets = (stream: ServerHttp2Stream, head: IncomingHttpHeaders): void => {
    if (head[':method'] !== 'GET') {
      onStream(stream);
      return;
    }
    stream.respond({ ':status': 200 });
    stream.end('ok');
  };
  const app = await startHttp2App(answerGets, { ...roomy, settings });
  return {
    app,
    dlx: await startRealDlx(app.endpoint, ['--propagate=0', '--drain-timeout=2s', '--shutdown-timeout=20s']),
  };
}

/** It serves on, is ready, and has not grown. */
async function isWell({ dlx }: Begun): Promise<void> {
  expect(await dlx.ready()).toBe(200);
  expect((await ask(connectHttp2(dlx.port), {})).body).toBe('ok');
  expect(dlx.peakMb()).toBeLessThan(300);
}

test('an endpoint whose window is shut: it answers early, and opens its window later or not at all', async () => {
  const it = await begin(
    (stream) => {
      stream.respond({ ':status': 401 });
      stream.end('who are you');
      setTimeout(() => stream.resume(), 5);
    },
    { initialWindowSize: 0 },
  );
  const client = connectHttp2(it.dlx.port, roomy);
  for (let i = 0; i < times; i++) {
    expect(await ask(client, post, body)).toMatchObject({ status: 401, body: 'who are you', whole: true, code: 0 });
  }
  await isWell(it);
}, 60_000);

test('an endpoint that resets during the upload, in whatever way: the client hears of it each time', async () => {
  const codes = [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR];
  let next = 0;
  const it = await begin((stream) => {
    stream.once('data', () => stream.close(codes[next++ % codes.length]));
  });
  const client = connectHttp2(it.dlx.port, roomy);
  for (let i = 0; i < times; i++) {
    expect(await ask(client, post, body)).toMatchObject({
      status: 502,
      problem: { code: 'upstream-reset' },
      whole: true,
    });
  }
  await isWell(it);
}, 60_000);

test('an endpoint that goes away during the upload: half of it is never whole, and others are served', async () => {
  const it = await begin((stream) => {
    stream.once('data', () => {
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 0);
      stream.session?.destroy();
    });
  });
  const client = connectHttp2(it.dlx.port, roomy);
  for (let i = 0; i < times / 2; i++) {
    const { status, whole } = await ask(client, post, body);
    expect([status, whole]).toEqual([502, true]);
    expect((await ask(client, {})).body).toBe('ok');
  }
  await isWell(it);
}, 60_000);

test('a client that resets or leaves in the middle: the endpoint hears a reset, never the end of half a body', async () => {
  const ends = { whole: 0, reset: 0 };
  const it = await begin((stream) => {
    stream.on('data', () => {});
    stream.on('end', () => {
      if (!stream.aborted && !stream.closed) ends.whole += 1;
    });
    stream.on('close', () => (ends.reset += 1));
  });
  const codes = [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR];
  for (let i = 0; i < times; i++) {
    const client = connectHttp2(it.dlx.port, roomy);
    const { stream } = open2(client, post, undefined);
    stream.write(body);
    await until(() => it.app.streams.length === i + 1, 'the endpoint has it');
    if (i % 4 === 3) client.destroy();
    else stream.close(codes[i % 4]);
    await until(() => ends.reset === i + 1, 'it was heard of');
    client.destroy();
  }
  expect(ends.whole).toBe(0);
  await isWell(it);
}, 60_000);

test('SIGTERM in the middle: an upload that ends in time is answered, the others are reset, and it exits with 0', async () => {
  const taken: ServerHttp2Stream[] = [];
  const it = await begin((stream) => {
    taken.push(stream);
    let got = 0;
    stream.on('data', (chunk: Buffer) => (got += chunk.length));
    stream.on('end', () => {
      if (stream.closed) return;
      stream.respond({ ':status': 200 });
      stream.end(String(got));
    });
  });
  const client = connectHttp2(it.dlx.port, roomy);
  const quick = open2(client, post, undefined);
  const slow = Array.from({ length: 20 }, () => open2(client, post, undefined));
  for (const { stream } of [quick, ...slow]) stream.write(body);
  await until(() => taken.length === 21, 'the endpoint has all');
  it.dlx.kill('SIGTERM');
  await once(client, 'goaway');
  quick.stream.end('last');
  expect(await quick.answer).toMatchObject({ status: 200, body: String(body.length + 4), whole: true });
  for (const { answer } of slow) expect(await answer).toMatchObject({ status: 503, problem: { code: 'draining' } });
  expect((await it.dlx.ended).code).toBe(0);
  await until(() => taken.every(({ closed }) => closed), 'the endpoint heard of all');
}, 60_000);
