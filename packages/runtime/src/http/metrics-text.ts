import type { Clock } from '@scaler/scaler-types';
import type { Metrics } from '../metrics/metrics.ts';

/** Of the process's time no more than a tenth goes into metrics, however often they are asked for. */
const restFactor = 9;
const longestRestMs = 1_000;

/** The text of the metrics. What one scrape is told the others are told too, for nine times as long as it took to write. */
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
