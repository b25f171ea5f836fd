import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { connectHttp2, open2, startHttp2App } from '../testing/http2.ts';
import { measure } from '../testing/costs/measure.ts';
import { startUpstream } from '../testing/upstream.ts';

test('what is kept of a request is bounded, whatever its query, and is counted as kept', async () => {
  const app = await startUpstream();
  const h = await startAwake([app]);
  for (let i = 0; i < 40; i++) {
    await h.send({ path: `/${'p'.repeat(300)}?${'q'.repeat(60_000)}` });
  }
  const gate = h.dlx.resources.gates.get('default/web');
  expect(gate?.recent().map(({ path }) => path)).toEqual(Array(32).fill(`/${'p'.repeat(199)}`));
  const { ledger } = h.dlx.core.accounting;
  h.dlx.core.upstreams.discardIdle(`127.0.0.1:${app.port}`);
  expect(ledger.kept).toBe(32 * (192 + 200));
  h.scaler.remove('web');
  await h.until(() => ledger.kept === 0, 'what is gone keeps nothing');
  await h.end({ forwarded: 40 });
});

test('of a query nothing is kept, however short', async () => {
  const app = await startUpstream();
  const h = await startAwake([app]);
  await h.send({ path: '/login?password=secret' });
  expect(h.dlx.resources.gates.get('default/web')?.recent()[0]?.path).toBe('/login');
  h.dlx.core.upstreams.discardIdle(`127.0.0.1:${app.port}`);
  expect(h.dlx.core.accounting.ledger.kept).toBe(192 + '/login'.length);
  await h.end({ forwarded: 1 });
});

test('nor does a method keep more, which in HTTP/2 may be any word', async () => {
  const app = await startHttp2App();
  const h = await startAwake([app]);
  const session = connectHttp2(h.port);
  await open2(session, { ':method': 'M'.repeat(30_000), ':path': '/' }).answer;
  expect(h.dlx.resources.gates.get('default/web')?.recent()[0]?.method).toBe('M'.repeat(20));
  await h.end({ forwarded: 1 });
});

test('300 resources × 32 requests with 60 KB each keep no part of them alive', async () => {
  const bytes = await measure<number>(`
    const { RecentRequests } = await dlx('ledger/accounting.ts');
    const { Ledger } = await dlx('ledger/ledger.ts');
    const ledger = new Ledger();
    const all = Array.from({ length: 300 }, () => new RecentRequests(ledger));
    const before = heap();
    for (const recent of all) {
      for (let i = 0; i < 32; i++) {
        const long = (await import('node:crypto')).randomBytes(30_000).toString('hex');
        const detail = \`refused "\${long.slice(100, 180)}" as it stands\`;
        recent.add({ startedMs: 0, carrier: { method: 'GET', url: '/' + long + '?' + long } }, 1, 'forwarded', 200, detail);
      }
    }
    const taken = heap() - before;
    tell(taken / ledger.kept, all);
  `);
  expect(bytes).toBeLessThan(1.25);
});
