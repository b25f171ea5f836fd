import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { endOf, startRawApp } from '../testing/stream.ts';

test('of an endpoint whose connection broke off nothing is kept', async () => {
  const app = await startRawApp();
  const h = await startAwake([app]);
  const near = endOf(await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n'));
  const far = await app.head(0);
  far.socket.write('HTTP/1.1 204 Done\r\n\r\n');
  await near.hears('204 Done');
  const { ledger } = h.dlx.core.accounting;
  await h.until(() => ledger.kept > 12_288, 'it is kept for the next');
  near.socket.write('POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 0\r\n\r\n');
  await far.hears('POST / ');
  expect(h.dlx.core.upstreams.known).toBe(1);
  far.socket.resetAndDestroy();
  await near.hears('502 ');
  expect(h.dlx.core.upstreams.known).toBe(0);
  expect(ledger.kept).toBeLessThan(12_288);
  near.socket.destroy();
  await h.end({ forwarded: 1, 'upstream-reset': 1 });
});
