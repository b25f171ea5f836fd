import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { connectHttp2, open2, startHttp2App } from '../testing/http2.ts';
import { endOf, startRawApp } from '../testing/stream.ts';

const fields = 'date: Tue, 24 Nov 2026 10:00:00 GMT\r\ncontent-length: 2\r\n';

const forms = [
  ['1.1', ''],
  ['1.0', 'connection: keep-alive\r\n'],
  ['1.1', 'expect: 100-continue\r\ncontent-length: 2\r\n'],
] as const;
const viasIn = (text: string): RegExpMatchArray | null => text.match(/^via: .*$/gim);

test.each([
  ['as it came', fields],
  ['field by field', fields.replace(/date.*?\n/, '')],
])('where it has a name the DLX adds itself to Via, both ways; %s', async (_, answered) => {
  for (const via of [undefined, 'dlx']) {
    for (const [version, more] of forms) {
      const app = await startRawApp();
      const h = await startAwake([app], { settings: { via } });
      const near = endOf(await h.raw(`POST / HTTP/${version}\r\nhost: web\r\nvia: 1.1 before\r\n${more}\r\n`));
      const far = await app.head(0);
      expect(viasIn(far.heard())).toEqual(['via: 1.1 before', ...(via === undefined ? [] : [`via: ${version} dlx`])]);
      far.socket.write(`HTTP/1.1 200 OK\r\nVia: 1.1 app\r\n${answered}\r\nok`);
      await near.hears('ok');
      expect(viasIn(near.heard())).toEqual(['Via: 1.1 app', ...(via === undefined ? [] : ['Via: 1.1 dlx'])]);
      near.socket.destroy();
      await h.end({ forwarded: 1 });
    }
  }
});

test('in HTTP/2, too', async () => {
  const app = await startHttp2App((stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const h = await startAwake([app], { settings: { via: 'dlx' } });
  const { answer } = open2(connectHttp2(h.port), { via: '1.1 before' });
  expect((await answer).fields['via']).toBe('2 dlx');
  expect(app.heads[0]).toHaveProperty('via', '1.1 before, 2 dlx');
  await h.end({ forwarded: 1 });
});
