import { expect, test } from '@jest/globals';
import { startHarness } from '../testing/harness.ts';
import { connectHttp2 } from '../testing/http2.ts';
import { startUpstream } from '../testing/upstream.ts';

const origin = 'https://shop.example';
const asked = { headers: { host: 'web', origin } };
const cors = {
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'retry-after',
  vary: 'Origin',
};

test('our own answers may be read by the page that asked: a 503, a 404, and what a check of a sleeper gets', async () => {
  const h = await startHarness({ settings: { holdLimit: 1 } });
  h.scaler.set({ name: 'web', quietRules: [{ path: '/healthz' }] });
  const held = h.send();
  await h.until(() => h.held() === 1);
  const full = await h.send(asked);
  expect([full.status, full.headers]).toEqual([503, expect.objectContaining({ ...cors, 'retry-after': '5' })]);
  const unknown = await h.send({ headers: { host: 'other', origin } });
  expect([unknown.status, unknown.headers]).toEqual([404, expect.objectContaining(cors)]);
  const quiet = await h.send({ ...asked, path: '/healthz' });
  expect([quiet.status, quiet.headers]).toEqual([200, expect.objectContaining(cors)]);
  h.scaler.remove('web');
  await held;
  await h.end({ overflow: 1, 'no-route': 2, 'not-woken': 1 });
});

test('in HTTP/2, too', async () => {
  const h = await startHarness();
  const session = await connectHttp2(h.port);
  const stream = session.request({ ':path': '/', ':authority': 'other', origin });
  const head = await new Promise((resolve) => stream.once('response', resolve));
  expect(head).toMatchObject({ ':status': 404, ...cors });
  session.destroy();
  await h.end({ 'no-route': 1 });
});

test.each([
  ['no origin', {}, true],
  ['an origin that is none', { origin: 'a b' }, true],
  ['a very long one', { origin: `https://${'x'.repeat(300)}` }, true],
  ['an origin, where the setting says no', { origin }, false],
])('a request with %s gets none of these fields', async (_, headers, answersCors) => {
  const h = await startHarness({ settings: { answersCors } });
  const answer = await h.send({ headers: { host: 'other', ...headers } });
  expect(answer.status).toBe(404);
  for (const name of Object.keys(cors)) expect(answer.headers).not.toHaveProperty(name);
  await h.end({ 'no-route': 1 });
});

test('an answer of the app stays as it is: whether a page may read it is its own to say', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const answer = await h.send(asked);
  expect(answer.body).toBe('ok');
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  await h.end({ forwarded: 1 });
});
