import { expect, test } from '@jest/globals';
import { aResource, wantSettings } from '../testing/facts.ts';
import { collect } from './collect.ts';
import type { Source } from './collect.ts';
import { wantsOf } from './want.ts';

test('a metric of an object is not asked of a source that knows no objects, but unknown', async () => {
  const metric = {
    metricName: 'jobs',
    windowSize: 60_000,
    threshold: 0,
    object: { resource: 'services', name: 'web' },
  };
  const settings = { ...wantSettings, defaultSource: 'external-metrics' } as const;
  const wants = wantsOf(aResource({ scaleResources: [metric, { ...metric, object: undefined as never }] }), settings);
  const asked: string[] = [];
  const source: Source = {
    name: 'external-metrics',
    collect: (own) => {
      asked.push(...own.map(({ label }) => label));
      return Promise.resolve({ samples: new Map(), failures: [] });
    },
  };
  const { samples } = await collect([source], wants, { signal: new AbortController().signal });
  expect(asked).toEqual(['jobs']);
  expect(samples.get(wants[0]?.key ?? '')).toEqual({
    known: false,
    reason: 'jobs of services/web is of an object, of which external-metrics knows nothing',
  });
});
