import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { ask, connectHttp2, startHttp2App } from '../testing/http2.ts';
import { endOf, startRawApp } from '../testing/stream.ts';

const met = 'dlx_bounds_met_total{bound="fields",namespace=""}';

test.each([
  ['a request', ''],
  ['an offer to upgrade', 'connection: upgrade\r\nupgrade: x\r\n'],
])('%s may have 2,000 fields; beyond it is answered 431', async (_name, fields) => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const request = (count: number): string => `GET / HTTP/1.1\r\nhost: web\r\n${fields}${'a:\r\n'.repeat(count)}\r\n`;
  const others = 1 + fields.split('\r\n').length - 1;
  const near = endOf(await h.raw(request(2000 - others)));
  const far = await app.head(0);
  far.socket.write('HTTP/1.1 204 Done\r\n\r\n');
  await near.hears('204 Done');
  const more = endOf(await h.raw(request(2001 - others)));
  await more.hears('431 Request Header Fields Too Large');
  expect(more.heard()).toContain('2001 fields, of which 2000 are allowed');
  expect(await h.metric(met)).toBe(1);
  await h.end({ forwarded: 1, 'bad-request': 1 });
});

test('in HTTP/2 pseudo-fields count too, and one with more is reset', async () => {
  const app = await startHttp2App(undefined, { maxHeaderListPairs: 5000 });
  const h = await startAwake([app]);
  const session = connectHttp2(h.port);
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, '']));
  expect((await ask(session, { ':path': '/', ...fields(1500) })).body).toBe('ok');
  const { status, code } = await ask(session, { ':path': '/', ...fields(2100) });
  expect([status === 431 || code > 0, app.seen.length]).toEqual([true, 1]);
  session.destroy();
  await h.until(() => h.dlx.core.accounting.inFlight === 0);
});
