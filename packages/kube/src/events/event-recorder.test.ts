import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import { recordingLogger } from '@scaler/testing-kit';
import type { EventRecorderOptions } from './event-recorder.ts';
import type { CoreEvent } from '../objects/kinds.ts';
import { EventRecorder } from '../index.ts';
import { type ScriptedApi, sendJson, sendStatus, startScriptedApi, until } from '../testing/scripted-api.ts';

let api: ScriptedApi;
let logger: ReturnType<typeof recordingLogger>;

beforeEach(async () => {
  logger = recordingLogger();
  api = await startScriptedApi((_request, response) => sendJson(response, 201, { metadata: {} }));
});
afterEach(() => api.close());

function recorder(options: Partial<EventRecorderOptions> = {}) {
  return new EventRecorder({
    client: api.client,
    component: 'scaler-autoscaler',
    clock: systemClock,
    logger,
    ...options,
  });
}

const web = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop' },
  ...{ name: 'web', uid: 'u1', resourceVersion: '7' },
};

test('an Event is written with what kubectl shows', async () => {
  const events = recorder({ instance: 'pod-1' });
  events.event(web, 'Normal', 'Parked', 'No request for 5m');
  await events.flush();
  expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /api/v1/namespaces/shop/events']);
  expect(api.requests[0]?.body).toMatchObject({
    kind: 'Event',
    metadata: { namespace: 'shop', name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) },
    involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'u1' },
    type: 'Normal',
    reason: 'Parked',
    message: 'No request for 5m',
    source: { component: 'scaler-autoscaler' },
    reportingComponent: 'scaler-autoscaler',
    reportingInstance: 'pod-1',
    count: 1,
  });
});

test('the same again raises the count: once while it waits, by a patch when it was written', async () => {
  const events = recorder();
  // The first is on its way already; the other two meet in the queue.
  for (let i = 0; i < 3; i++) events.event(web, 'Warning', 'Refused', 'No Service');
  events.event(web, 'Warning', 'Refused', 'Another Service');
  await events.flush();
  expect(api.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
  const name = (api.requests[0]?.body as CoreEvent).metadata?.name;
  expect(api.requests[1]).toMatchObject({ path: `/api/v1/namespaces/shop/events/${name}`, body: { count: 3 } });
});

test('after the window, or when the API forgot it, it is a new Event', async () => {
  const events = recorder({ windowMs: 20 });
  events.event(web, 'Normal', 'Woken', 'By a request');
  await events.flush();
  await systemClock.sleep(25);
  events.event(web, 'Normal', 'Woken', 'By a request');
  await events.flush();
  expect(api.requests.map(({ method }) => method)).toEqual(['POST', 'POST']);

  const patient = recorder();
  api.answer(({ method }, response) =>
    method === 'PATCH' ? sendStatus(response, 404, 'NotFound', 'gone') : sendJson(response, 201, { metadata: {} }),
  );
  patient.event(web, 'Normal', 'Parked', 'Idle');
  await patient.flush();
  patient.event(web, 'Normal', 'Parked', 'Idle');
  await patient.flush();
  expect(api.requests.slice(2).map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
});

test('the API failing costs the Event and nothing else, and that is said', async () => {
  api.answer((_request, response) => sendStatus(response, 403, 'Forbidden', 'no events for you'));
  const events = recorder();
  events.event(web, 'Normal', 'Parked', 'Idle');
  await events.flush();
  expect(events.droppedOf.get('shop')).toBe(1);
  expect(logger.lines[0]).toMatchObject({
    level: 'warn',
    message: 'Event lost',
    fields: { reason: 'Parked', name: 'web' },
  });
});

test('the queue is bounded', async () => {
  const held: (() => void)[] = [];
  api.answer((_request, response) => void held.push(() => sendJson(response, 201, { metadata: {} })));
  const events = recorder({ queueLimit: 3 });
  for (let i = 0; i < 10; i++) events.event(web, 'Normal', 'Parked', `message ${i}`);
  await until(() => held.length === 1);
  expect(events.droppedOf.get('shop')).toBeGreaterThanOrEqual(6);
  api.answer((_request, response) => sendJson(response, 201, { metadata: {} }));
  held[0]?.();
  await events.flush();
});

test('a namespace that writes without end loses its own Events, logged once a minute, and none of another', async () => {
  const held: (() => void)[] = [];
  api.answer((_request, response) => void held.push(() => sendJson(response, 201, { metadata: {} })));
  const events = recorder({ queueLimit: 40 });
  for (let i = 0; i < 8_000; i++) events.event(web, 'Warning', 'InvalidSetting', `scaler/x${i} is not known`);
  const other = { ...web, namespace: 'quiet', uid: 'u2' };
  for (let i = 0; i < 8; i++) events.event(other, 'Normal', 'Parked', `message ${i}`);
  await until(() => held.length === 1);
  expect([...events.droppedOf.keys()]).toEqual(['shop']);
  expect(events.droppedOf.get('shop')).toBe(7_979);
  expect(logger.lines.filter(({ message }) => message === 'Event lost')).toHaveLength(1);
  api.answer((_request, response) => sendJson(response, 201, { metadata: {} }));
  held[0]?.();
  await events.flush();
  const order = api.requests.map(({ path }) => path.includes('/quiet/'));
  expect([order.length, order.slice(0, 18).filter(Boolean).length]).toEqual([29, 8]);
});

test('texts that the API would refuse are cut to fit', async () => {
  const events = recorder();
  events.event(
    { apiVersion: 'v1', kind: 'Node', name: 'n'.repeat(253) },
    'Warning',
    'R'.repeat(200),
    'm'.repeat(5_000),
  );
  await events.flush();
  const event = api.requests[0]?.body as CoreEvent;
  expect(event.metadata).toMatchObject({ namespace: 'default' });
  expect([event.metadata?.name?.length, event.reason?.length, event.message?.length]).toEqual([253, 128, 1024]);
});
