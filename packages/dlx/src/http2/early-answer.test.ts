import type { ServerHttp2Stream } from 'node:http2';
import { expect, test } from '@jest/globals';
import { ask, connectHttp2, type OnStream, startHttp2App } from '../testing/http2.ts';
import { startRealDlx } from '../testing/real-dlx.ts';

// In processes of their own: what went wrong here turned inside Node for ever, at 100 to 350 MB a second.

const body = Buffer.alloc(300_000);
const answer = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 413 });
  stream.end('too large');
};

const apps: Record<string, OnStream> = {
  'at once, and reads on': (stream) => {
    answer(stream);
    stream.resume();
  },
  'after some of it, and reads on': (stream) => {
    stream.once('data', () => {
      answer(stream);
      stream.resume();
    });
  },
  'at once, and reads nothing': (stream) => answer(stream),
  'and says that it wants no more': (stream) => {
    stream.once('data', () => {
      answer(stream);
      stream.once('finish', () => setImmediate(() => stream.close()));
    });
  },
};

test.each(Object.entries(apps))(
  '200 uploads that the endpoint answers %s',
  async (_how, onStream) => {
    const app = await startHttp2App(onStream, { maxSessionMemory: 1000 });
    const dlx = await startRealDlx(app.endpoint);
    const client = connectHttp2(dlx.port, { maxSessionMemory: 1000 });
    const ready: number[] = [];
    for (let i = 0; i < 200; i++) {
      const { status, body: text, whole, code } = await ask(client, { ':method': 'POST' }, body);
      expect([i, status, text, whole, code]).toEqual([i, 413, 'too large', true, 0]);
      if (i % 20 === 0) ready.push(await dlx.ready());
    }
    expect(new Set(ready)).toEqual(new Set([200]));
    expect(dlx.peakMb()).toBeLessThan(300);
  },
  60_000,
);
