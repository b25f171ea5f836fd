import { expect, test } from '@jest/globals';
import { body, connectFrames, head, noSettings, request, startFrameApp } from '../testing/frames.ts';
import { startAwake } from '../testing/harness.ts';
import { endOf, type RawApp, startRawApp } from '../testing/stream.ts';

/*
 * A peer chooses how small its pieces are. Those that came in one read go on together: each by itself would cost a write, 10 µs,
 * and twenty thousand come in one turn of the loop.
 */

const count = 10_000;
const digits = Array.from({ length: count }, (_, i) => String(i % 10));
const chunks = digits.map((digit) => `1\r\n${digit}\r\n`).join('');
const chunked = 'transfer-encoding: chunked\r\n\r\n';
const post = `POST / HTTP/1.1\r\nHost: web\r\n${chunked}`;

/** The sizes of the chunks behind a head, and what is in them; undefined while their end has not come. */
function readChunks(heard: string): { readonly sizes: number[]; readonly text: string } | undefined {
  const sizes: number[] = [];
  let text = '';
  for (let at = heard.indexOf('\r\n\r\n') + 4; ;) {
    const line = heard.indexOf('\r\n', at);
    const size = Number.parseInt(heard.slice(at, line), 16);
    if (line === -1 || Number.isNaN(size)) return undefined;
    if (size === 0) return { sizes, text };
    sizes.push(size);
    text += heard.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

type Play = (app: RawApp, start: () => ReturnType<typeof startAwake>) => Promise<{ sizes: number[]; text: string }>;

const plays: readonly [string, Play][] = [
  [
    'a body that comes with its head',
    async (app, start) => {
      const h = await start();
      const client = endOf(await h.raw(`${post}${chunks}0\r\n\r\n`));
      const end = await app.head(0);
      await h.until(() => readChunks(end.heard()) !== undefined);
      end.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      await client.hears('ok');
      client.socket.end();
      await h.end({ forwarded: 1 });
      return readChunks(end.heard()) as never;
    },
  ],
  [
    'a body behind its head',
    async (app, start) => {
      const h = await start();
      const client = endOf(await h.raw(`${post}${chunks.slice(0, 6)}`));
      const end = await app.head(0);
      client.socket.write(`${chunks.slice(6)}0\r\n\r\n`);
      await h.until(() => readChunks(end.heard()) !== undefined);
      end.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      await client.hears('ok');
      client.socket.end();
      await h.end({ forwarded: 1 });
      return readChunks(end.heard()) as never;
    },
  ],
  [
    'an answer',
    async (app, start) => {
      const h = await start();
      const client = endOf(await h.raw('GET / HTTP/1.1\r\nHost: web\r\n\r\n'));
      const end = await app.head(0);
      end.socket.write(`HTTP/1.1 200 OK\r\n${chunked}${chunks}0\r\n\r\n`);
      await h.until(() => readChunks(client.heard()) !== undefined);
      client.socket.end();
      await h.end({ forwarded: 1 });
      return readChunks(client.heard()) as never;
    },
  ],
];

test.each(plays)('%s in thousands of tiny chunks goes on in a few', async (_name, play) => {
  const app = await startRawApp();
  const { sizes, text } = await play(app, () => startAwake([app]));
  expect(text).toBe(digits.join(''));
  expect(sizes.length).toBeLessThan(100);
});

const frames = (stream: number): Buffer =>
  Buffer.concat([...digits.map((digit) => body(stream, digit)), body(stream, '', true)]);

/** Collects what comes on a stream. */
function collect(): {
  sizes: number[];
  text: string;
  whole: boolean;
  take(frame: { type: number; flags: number; payload: Buffer }): void;
} {
  const seen = {
    sizes: [] as number[],
    text: '',
    whole: false,
    take({ type, flags, payload }: { type: number; flags: number; payload: Buffer }): void {
      if (type > 1) return;
      if (type === 0 && payload.length > 0) seen.sizes.push(payload.length);
      if (type === 0) seen.text += payload.toString('latin1');
      if ((flags & 1) !== 0) seen.whole = true;
    },
  };
  return seen;
}

test.each([
  ['a body that comes with its head', true],
  ['a body behind its head', false],
])('%s in thousands of tiny frames goes on in a few', async (_name, together) => {
  let uploaded: ReturnType<typeof collect> | undefined;
  const app = await startFrameApp(
    () => {},
    (frame) => (uploaded ??= collect()).take(frame),
  );
  const h = await startAwake([app]);
  const answer = collect();
  const client = await connectFrames(h.port, (frame) => answer.take(frame));
  const opening = head(1, request('POST'));
  if (together) client.write(Buffer.concat([opening, frames(1)]));
  else {
    client.write(Buffer.concat([opening, body(1, '')]));
    await h.until(() => uploaded !== undefined);
    client.write(frames(1));
  }
  await h.until(() => answer.whole);
  expect([uploaded?.text, answer.text]).toEqual([digits.join(''), digits.join('')]);
  expect(uploaded?.sizes.length).toBeLessThan(100);
  client.destroy();
  await h.end({ forwarded: 1 });
});

test('an answer in thousands of tiny frames goes on in a few', async () => {
  const app = await startFrameApp((socket, stream) => {
    socket.write(Buffer.concat([noSettings, head(stream, [[':status', '200']]), frames(stream)]));
  });
  const h = await startAwake([app]);
  const answer = collect();
  const client = await connectFrames(h.port, (frame) => answer.take(frame));
  client.write(head(1, request('GET'), true));
  await h.until(() => answer.whole);
  expect(answer.text).toBe(digits.join(''));
  expect(answer.sizes.length).toBeLessThan(100);
  client.destroy();
  await h.end({ forwarded: 1 });
});
