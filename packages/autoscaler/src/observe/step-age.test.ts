import { expect, test } from '@jest/globals';
import { createMetrics } from '@scaler/runtime';
import { type Resource, type ResourceRef, resourceKey } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { aResource } from '../testing/facts.ts';
import { observeSteps } from './step-age.ts';

function prepare() {
  const clock = createFakeClock();
  const metrics = createMetrics();
  const resources = new Map<string, Resource>();
  let listener = (_ref: ResourceRef): void => undefined;
  const view = {
    list: () => [...resources.values()],
    get: (ref: ResourceRef) => resources.get(resourceKey(ref)),
    onChange: (given: typeof listener) => ((listener = given), () => undefined),
  };
  observeSteps(metrics, view, clock);
  const change = (resource: Resource): void => {
    resources.set(resourceKey(resource), resource);
    listener(resource);
  };
  const ages = async () => {
    const text = await metrics.text();
    return ['parking', 'waking'].map((phase) => Number(new RegExp(`phase="${phase}"} (.*)`).exec(text)?.[1]));
  };
  return { clock, change, ages };
}

test('the oldest step of each phase, from when it was seen first, until it ends', async () => {
  const { clock, change, ages } = prepare();
  expect(await ages()).toEqual([0, 0]);
  change(aResource({ name: 'a', phase: 'parking' }));
  await clock.advance(5_000);
  change(aResource({ name: 'b', phase: 'parking' }));
  change(aResource({ name: 'c', phase: 'waking' }));
  await clock.advance(1_000);
  change(aResource({ name: 'a', phase: 'parking', replicas: 3 }));
  expect(await ages()).toEqual([6, 1]);
  change(aResource({ name: 'a', phase: 'asleep' }));
  change(aResource({ name: 'b', phase: 'waking' }));
  expect(await ages()).toEqual([0, 1]);
});

test('from its beginning where the scaler gives it; another event, the future or no time is none', async () => {
  const { clock, change, ages } = prepare();
  const agoMs = (ms: number): string => new Date(clock.now() - ms).toISOString();
  change(
    aResource({ name: 'a', phase: 'waking', lastScaleEvent: 'scaleFromZeroStarted', lastScaleEventTime: agoMs(9_000) }),
  );
  for (const [name, lastScaleEventTime] of Object.entries({ b: agoMs(-9_000), c: 'then', d: undefined })) {
    const event = { lastScaleEvent: 'scaleToZeroStarted', ...(lastScaleEventTime && { lastScaleEventTime }) } as const;
    change(aResource({ name, phase: 'parking', ...event }));
  }
  change(
    aResource({ name: 'e', phase: 'parking', lastScaleEvent: 'resourceUpdated', lastScaleEventTime: agoMs(9_000) }),
  );
  expect(await ages()).toEqual([0, 9]);
});
