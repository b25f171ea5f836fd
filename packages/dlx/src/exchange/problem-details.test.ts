// What strangers get to read. Everything that the cluster is called is put into the causes, and looked for in all that is sent.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import { terminal } from '@scaler/scaler-types';
import { answer, type Exchange } from './exchange.ts';
import { type Outcome, outcomeNames, outcomes, type Refusal } from '../outcome.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { connectHttp2 } from '../testing/http2.ts';
import { dataSettings, settings } from '../settings.ts';
import { loadConfig } from '@scaler/runtime';
import { refusingEndpoint } from '../testing/upstream.ts';

const secret = '10.0.3.4:8080 of node-7 with registry.internal/shop:1 of default/web';
const names = /10\.0\.3\.4|8080|127\.0\.0\.1|node-7|registry|default|"web"|web:|\bservice\b|\bport\b|"tried"/;

interface Sent {
  status?: number;
  text: string;
}

/** What is handed to the carrier for a refusal, once the head of an answer is on its way or before. */
function sentFor(
  refusal: Refusal,
  { answering, full, lane }: { answering: boolean; full: boolean; lane: boolean },
): Sent {
  const sent: Sent = { text: '' };
  const gate = { key: 'default/web', retryAfterS: 5 };
  const x = {
    core: { settings: { problemDetails: full ? 'full' : 'brief', overflowStatus: 503 }, draining: false },
    lane: lane ? { gate, target: { service: 'web', port: 8080 } } : undefined,
    carrier: {
      method: 'GET',
      answering,
      answer: ({ body, ...rest }: { body: Buffer; status: number }) => {
        sent.text = `${String(body)}${JSON.stringify(rest)}`;
        sent.status = rest.status;
      },
      reset: (told: Refusal) => (sent.text = JSON.stringify(told)),
    },
  } as unknown as Exchange;
  answer(x, refusal);
  return sent;
}

test.each(
  outcomeNames.flatMap(
    (outcome) =>
      [
        [outcome, false],
        [outcome, true],
      ] as [Outcome, boolean][],
  ),
)(
  '%s: briefly an answer names nothing of the cluster, and in full all of it; answering already: %s',
  (outcome, answering) => {
    const refusal: Refusal = { outcome, detail: secret, tried: ['host web path /'] };
    const brief = sentFor(refusal, { answering, full: false, lane: true });
    expect(brief.text).not.toMatch(names);
    expect(brief.text).toContain(outcome);
    const full = sentFor(refusal, { answering, full: true, lane: true });
    expect(full.text).toContain('10.0.3.4:8080');
    expect(brief.status).toBe(full.status);
  },
);

test('an answer says in full what was wrong with the request itself, and names a loop as a loop', () => {
  const place = { answering: false, full: false };
  const wrong: Refusal = { outcome: 'bad-request', status: 431, detail: 'its fields have 70000 bytes' };
  expect(sentFor(wrong, { ...place, lane: false })).toMatchObject({
    status: 431,
    text: expect.stringContaining('70000'),
  });
  expect(sentFor({ ...wrong, detail: secret }, { ...place, lane: true }).text).not.toMatch(names);
  const loop: Refusal = { outcome: 'no-route', status: 508, detail: secret };
  expect(sentFor(loop, { ...place, lane: true })).toMatchObject({
    status: 508,
    text: expect.stringContaining('came back'),
  });
});

test('brief is the default of the program; a pause still says for how long', () => {
  expect(dataSettings(loadConfig(settings, { argv: [], env: {} }).values).problemDetails).toBe('brief');
  const paused: Refusal = { outcome: 'wake-failed', detail: secret, retryAfterS: 90 };
  const place = { answering: false, full: false, lane: true };
  expect(sentFor(paused, place).text).toContain('"retry-after","90"');
  expect(sentFor({ ...paused, retryAfterS: null }, place).text).not.toContain('retry-after');
});

test('nothing is answered or reset but behind it', () => {
  const src = join(import.meta.dirname, '..');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('testing'),
  );
  const callers = files.filter((file) => /carrier\.(answer|reset)\(/.test(readFileSync(join(src, file), 'utf8')));
  expect(callers.sort()).toEqual(['exchange/exchange.ts']);
});

/** Everything that a connection is sent until it ends or `enough`. */
async function heard(h: Harness, text: string, enough: RegExp): Promise<string> {
  const socket = await h.raw(text);
  let said = '';
  socket.on('data', (chunk) => (said += String(chunk)));
  await h.until(() => enough.test(said), text);
  return said;
}

test.each(['brief', 'full'] as const)('on real connections of every protocol: %s', async (problemDetails) => {
  const h = await startHarness({ settings: { problemDetails } });
  const fail = async (index: number): Promise<void> => (await h.scaler.call(index)).fail(terminal(new Error(secret)));
  h.scaler.set({ name: 'web' });
  const texts: string[] = [];

  const plain = heard(h, 'GET / HTTP/1.1\r\nhost: web\r\n\r\n', /"wake-failed".*\}/);
  await fail(0);
  texts.push(await plain);
  const upgrade = 'GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
  const offered = heard(h, upgrade, /"wake-failed".*\}/);
  await fail(1);
  texts.push(await offered);

  const stream = connectHttp2(h.port).request({ ':path': '/', ':authority': 'web' });
  let text = '';
  stream.on('response', (fields) => (text += JSON.stringify(fields)));
  stream.on('data', (chunk) => (text += String(chunk)));
  await fail(2);
  await h.until(() => text.includes('}{') && text.endsWith('}'));
  texts.push(text);

  const client = new Client(`127.0.0.1:${h.port}`, credentials.createInsecure(), { 'grpc.default_authority': 'web' });
  const same = (value: Buffer): Buffer => value;
  const called = new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest('/test.Test/Unary', same, same, Buffer.alloc(0), (error) => resolve(error));
  });
  // The breaker is open by now, and tells the last cause by itself.
  const error = await called;
  client.close();
  texts.push(error?.details ?? '');

  for (const one of texts) {
    if (problemDetails === 'full') expect(one).toContain('10.0.3.4:8080 of node-7');
    else expect(one).not.toMatch(names);
    expect(one).toContain('wake-failed');
  }
  // The admin server tells all of it either way.
  const details = h.dlx.resources.gates
    .get('default/web')
    ?.recent()
    .map(({ detail }) => detail);
  expect(details).toEqual(Array(4).fill(expect.stringContaining(secret)));
  await h.end({ 'wake-failed': 4 });
});

test('an endpoint that refuses, a route that is not, and a scrape of a sleeper name nothing', async () => {
  const h = await startHarness({ settings: { problemDetails: 'brief', holdTimeoutMs: 50 } });
  h.scaler.set({ name: 'web', phase: 'awake' });
  h.scaler.endpoints('web', [await refusingEndpoint()]);
  const refused = await h.send();
  const scrape = { host: 'web', 'user-agent': 'Prometheus/3.0' };
  h.scaler.set({ name: 'asleep' });
  const answers = [
    refused,
    await h.send({ headers: { host: 'unknown' } }),
    await h.send({ headers: { ...scrape, host: 'asleep' } }),
  ];
  for (const { body, headers } of answers) expect(`${body}${JSON.stringify(headers)}`).not.toMatch(names);
  expect(answers.map(({ problem }) => problem.code)).toEqual(['upstream-connect', 'no-route', 'not-woken']);
  expect(Object.values(outcomes).length).toBe(outcomeNames.length);
  await h.end({ 'upstream-connect': 1, 'no-route': 1, 'not-woken': 1 });
});
