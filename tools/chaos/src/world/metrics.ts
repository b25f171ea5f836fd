import type { Metrics } from '@scaler/testing-kit/kubernetes';
import type { Timeline } from '../sim/timeline.ts';
import { fleet, keyOf, type Member, metricName, plurals, times } from './fleet.ts';

/**
 * What the metrics API answers for one resource: the truth, or one of the errors and gaps that metrics have in real
 * life.
 */
export const metricModes = ['truth', 'idle', 'busy', 'nan', 'gone', 'old', 'two'] as const;
export type MetricMode = (typeof metricModes)[number];

/** The fleet's metrics, and what of them could be known at any time. */
export type FleetMetrics = ReturnType<typeof createFleetMetrics>;

interface Span {
  readonly fromMs: number;
  readonly mode: MetricMode;
  readonly down: boolean;
}

interface MemberMetric {
  mode: MetricMode;
  readonly spans: Span[];
  arrivals: number[];
}

const windowMs = times.window * 1_000;
const wrongValues = { idle: '0', busy: '7', nan: 'NaN', old: '0', two: '0' };
const unknownModes: ReadonlySet<MetricMode> = new Set(['nan', 'gone', 'two']);

export function createFleetMetrics(metrics: Metrics, timeline: Timeline) {
  const byKey = new Map<string, MemberMetric>();
  let isDown = false;
  const count = (one: MemberMetric, atMs: number): number =>
    one.arrivals.filter((ms) => ms > atMs - windowMs && ms <= atMs).length;

  const publish = (member: Member, one: MemberMetric): void => {
    const { kind, namespace, name } = member;
    const resource = `${plurals[kind]}.apps`;
    const metric = { namespace, resource, name, metric: metricName, windowSeconds: times.window };
    metrics.remove({ namespace, name, metric: metricName });
    const { mode } = one;
    if (mode === 'gone') return;
    const value = mode === 'truth' ? (): string => String(count(one, timeline.ms)) : wrongValues[mode];
    metrics.set({ ...metric, value, ...(mode === 'old' && { timestamp: timeline.clock.now() }) });
    if (mode === 'two') metrics.add({ ...metric, value });
  };
  const note = (one: MemberMetric): void => void one.spans.push({ fromMs: timeline.ms, mode: one.mode, down: isDown });
  for (const member of fleet.filter(({ metric }) => metric)) {
    const one: MemberMetric = { mode: 'truth', spans: [], arrivals: [] };
    byKey.set(keyOf(member), one);
    note(one);
    publish(member, one);
  }
  const between = (one: MemberMetric, fromMs: number, toMs: number): readonly (Span & { toMs: number })[] =>
    one.spans
      .map((span, i) => ({ ...span, toMs: one.spans[i + 1]?.fromMs ?? Infinity }))
      .filter((span) => span.toMs > fromMs && span.fromMs <= toMs);
  // A stale value becomes unknown when it is older than its window.
  const unknownFromMs = ({ mode, down, fromMs }: Span): number =>
    down || unknownModes.has(mode) ? fromMs : mode === 'old' ? fromMs + windowMs + 1_000 : Infinity;

  return {
    set: (key: string, mode: MetricMode): void => {
      const one = byKey.get(key);
      const member = fleet.find((each) => keyOf(each) === key);
      if (one === undefined || member === undefined) return;
      one.mode = mode;
      note(one);
      publish(member, one);
    },
    /** The whole API answers 503. */
    down: (now: boolean): void => {
      isDown = now;
      metrics.unavailable(now);
      for (const one of byKey.values()) note(one);
    },
    /** A pod of the resource got a request. */
    arrived: (key: string): void => {
      const one = byKey.get(key);
      if (one === undefined) return;
      one.arrivals = [...one.arrivals.filter((ms) => ms > timeline.ms - 120_000), timeline.ms];
    },
    /** What could be known of a resource during the whole time from `fromMs` to `toMs`. */
    throughout: (key: string, fromMs: number, toMs: number): { truth: boolean; busy: boolean } => {
      const one = byKey.get(key);
      if (one === undefined) return { truth: false, busy: false };
      const spans = between(one, fromMs, toMs);
      const busy = spans.every(
        (span) =>
          !span.down &&
          (span.mode === 'busy' || (span.mode === 'truth' && count(one, fromMs) > 0 && count(one, toMs) > 0)),
      );
      return { truth: spans.every(({ mode, down }) => mode === 'truth' && !down), busy };
    },
    /** The longest time in a row in which nothing could be known, between the two. */
    longestUnknownMs: (key: string, fromMs: number, toMs: number): number => {
      const one = byKey.get(key);
      if (one === undefined) return 0;
      let longestMs = 0;
      let sinceMs: number | undefined;
      for (const span of between(one, fromMs, toMs)) {
        const beginsMs = unknownFromMs(span);
        if (beginsMs === Infinity || beginsMs >= span.toMs) {
          sinceMs = undefined;
          continue;
        }
        if (beginsMs > span.fromMs) sinceMs = undefined;
        sinceMs ??= Math.max(fromMs, beginsMs);
        longestMs = Math.max(longestMs, Math.min(toMs, span.toMs) - sinceMs);
      }
      return longestMs;
    },
  };
}
