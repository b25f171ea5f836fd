import { expect, test } from '@jest/globals';
import { body, connectFrames, type Frame, head, noSettings, request, startFrameApp } from '../testing/frames.ts';
import { type Harness, startAwake } from '../testing/harness.ts';
import { type End, endOf, startRawApp } from '../testing/stream.ts';

/*
 * A peer chooses how small its pieces are. Those that came in one read go on together: each by itself would cost a write, 10 µs,
 * and twenty thousand come in one turn of the loop.
 */

const count = 10_000;
const digits = Array.from({ length: count }, (_, i) => String(i % 10));
const chunks = digits.map((digit) => `1\r\n${digit}\r\n`).join('');
const chunked = 'transfer-encoding: chunked\r\n\r\n';

/** What came, in which pieces. */
interface Pieces {
  readonly sizes: readonly number[];
  readonly text: string;
}

function expectFew({ sizes, text }: Pieces): void {
  expect(text).toBe(digits.join(''));
  expect(sizes.length).toBeLessThan(100);
}

/** The chunks behind a head; undefined while their end has not come. */
function readChunks(heard: string): Pieces | undefined {
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

async function expectFewChunks(h: Harness, end: End): Promise<void> {
  let pieces: Pieces | undefined;
  await h.until(() => (pieces = readChunks(end.heard())) !== undefined);
  expectFew(pieces as Pieces);
}

test.each([
  ['a body that comes with its head', true],
  ['a body behind its head', false],
])('%s in thousands of tiny chunks goes on in a few', async (_name, together) => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const all = `${chunks}0\r\n\r\n`;
  // Without a chunk there the head would wait for one.
  const first = together ? all : all.slice(0, '1\r\n0\r\n'.length);
  const client = endOf(await h.raw(`POST / HTTP/1.1\r\nHost: web\r\n${chunked}${first}`));
  const end = await app.head(0);
  client.socket.write(all.slice(first.length));
  await expectFewChunks(h, end);
  end.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  await client.hears('ok');
  client.socket.end();
  await h.end({ forwarded: 1 });
});

test('an answer in thousands of tiny chunks goes on in a few', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const client = endOf(await h.raw('GET / HTTP/1.1\r\nHost: web\r\n\r\n'));
  const end = await app.head(0);
  end.socket.write(`HTTP/1.1 200 OK\r\n${chunked}${chunks}0\r\n\r\n`);
  await expectFewChunks(h, client);
  client.socket.end();
  await h.end({ forwarded: 1 });
});

const frames = (stream: number): Buffer =>
  Buffer.concat([...digits.map((digit) => body(stream, digit)), body(stream, '', true)]);

/** Collects what comes on a stream. */
class Collected implements Pieces {
  readonly sizes: number[] = [];
  text = '';
  whole = false;

  take({ type, flags, payload }: Frame): void {
    if (type > 1) return;
    if (type === 0 && payload.length > 0) this.sizes.push(payload.length);
    if (type === 0) this.text += payload.toString('latin1');
    if ((flags & 1) !== 0) this.whole = true;
  }
}

test.each([
  ['a body that comes with its head', true],
  ['a body behind its head', false],
])('%s in thousands of tiny frames goes on in a few', async (_name, together) => {
  let uploaded: Collected | undefined;
  const app = await startFrameApp(
    () => {},
    (frame) => (uploaded ??= new Collected()).take(frame),
  );
  const h = await startAwake([app]);
  const answer = new Collected();
  const client = await connectFrames(h.port, (frame) => answer.take(frame));
  const opening = head(1, request('POST'));
  if (together) client.write(Buffer.concat([opening, frames(1)]));
  else {
    client.write(Buffer.concat([opening, body(1, '')]));
    await h.until(() => uploaded !== undefined);
    client.write(frames(1));
  }
  await h.until(() => answer.whole);
  expectFew(uploaded as Pieces);
  expect(answer.text).toBe(digits.join(''));
  client.destroy();
  await h.end({ forwarded: 1 });
});

test('an answer in thousands of tiny frames goes on in a few', async () => {
  const app = await startFrameApp((socket, stream) => {
    socket.write(Buffer.concat([noSettings, head(stream, [[':status', '200']]), frames(stream)]));
  });
  const h = await startAwake([app]);
  const answer = new Collected();
  const client = await connectFrames(h.port, (frame) => answer.take(frame));
  client.write(head(1, request('GET'), true));
  await h.until(() => answer.whole);
  expectFew(answer);
  client.destroy();
  await h.end({ forwarded: 1 });
});
