import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { connectHttp2, open2, startHttp2App } from '../testing/http2.ts';

test('one connection has at most 512 requests under way, whose unread bodies are 32 MiB; others follow', async () => {
  let answers = false;
  const app = await startHttp2App((stream) => {
    if (!answers) return;
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const h = await startAwake([app]);
  const session = connectHttp2(h.port);
  // Its SETTINGS have come.
  await once(session, 'remoteSettings');
  const all = Array.from({ length: 600 }, () => open2(session, { ':method': 'POST', ':path': '/' }, Buffer.alloc(100)));
  await h.until(() => app.streams.length === 512, '512 came to the app');
  expect(h.dlx.core.accounting.inFlight).toBe(512);
  answers = true;
  for (const stream of app.streams) {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  }
  expect(new Set((await Promise.all(all.map(({ answer }) => answer))).map(({ body }) => body))).toEqual(
    new Set(['ok']),
  );
  await h.end({ forwarded: 600 });
});
