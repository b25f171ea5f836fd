import { expect, test } from '@jest/globals';
import { aResource, wantSettings } from '../testing/facts.ts';
import { wantsOf } from './want.ts';

test('the wants of a resource are made once, until it or the settings change, even where it was changed in place', () => {
  const web = aResource();
  const wants = wantsOf(web, wantSettings);
  expect(wantsOf(web, { ...wantSettings })).toBe(wants);
  expect(wantsOf(web, { ...wantSettings, metricNamePattern: '<name>' })[0]?.metricName).toBe('requests');
  web.scaleResources = [{ metricName: 'jobs', windowSize: 60_000, threshold: 0 }];
  expect(wantsOf(web, wantSettings)[0]?.metricName).toBe('jobs_per_1m');
});
