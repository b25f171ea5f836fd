import type { Clock } from '@scaler/scaler-types';
import type { Metrics } from '../metrics/metrics.ts';

/** Writing metrics takes at most a tenth of the process's time, however often they are scraped. */
const restFactor = 9;
const longestRestMs = 1_000;

/** The text of the metrics. A text is given to every scrape for nine times as long as it took to write. */
export function createMetricsText(metrics: Pick<Metrics, 'text'>, clock: Clock): () => Promise<string> {
  let shared: Promise<string> | undefined;
  let untilMs = Number.NEGATIVE_INFINITY;
  const write = async (): Promise<string> => {
    const beginMs = clock.monotonic();
    try {
      return await metrics.text();
    } finally {
      const endMs = clock.monotonic();
      untilMs = endMs + Math.min(longestRestMs, restFactor * (endMs - beginMs));
    }
  };
  return () => {
    if (shared === undefined || clock.monotonic() >= untilMs) {
      untilMs = Number.POSITIVE_INFINITY;
      shared = write();
      shared.catch(() => (shared = undefined));
    }
    return shared;
  };
}
