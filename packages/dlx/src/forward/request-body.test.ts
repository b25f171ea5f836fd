import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { endOf, type End, startRawApp } from '../testing/stream.ts';

test('a body of thousands of tiny chunks costs an endpoint, and us, a few', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const chunks = Array.from({ length: 5000 }, (_, i) => `1\r\n${i % 10}\r\n`).join('');
  const client: End = endOf(
    await h.raw(`POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`),
  );
  const end = await app.head(0);
  await end.hears('\r\n0\r\n\r\n');
  const body = end.heard().slice(end.heard().indexOf('\r\n\r\n') + 4);
  const sizes: number[] = [];
  let whole = '';
  for (let at = 0; ;) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, line), 16);
    if (size === 0) break;
    sizes.push(size);
    whole += body.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  expect(whole).toBe(Array.from({ length: 5000 }, (_, i) => i % 10).join(''));
  expect(sizes.length).toBeLessThan(100);
  end.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  await client.hears('ok');
  client.socket.end();
  await h.end({ forwarded: 1 });
});
