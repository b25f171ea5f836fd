import { unknown } from './sample.ts';
import type { Source } from './source.ts';

/** Stands where no source of metrics is set: every scale metric is unknown, and nothing has failed. */
export function createNoMetricsSource(): Source {
  return {
    name: 'no-metrics',
    kind: 'metric',
    collect: (wants) => {
      const sample = unknown('no source of metrics is set, see --metrics-source');
      return Promise.resolve({ samples: new Map(wants.map((want) => [want.key, sample])), failures: [] });
    },
  };
}
