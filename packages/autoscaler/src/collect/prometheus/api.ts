import { type Clock, formatDuration } from '@scaler/scaler-types';
import { limited } from '@scaler/async';
import { readAnswer, type ReadSeries } from './answer.ts';
import type { Connection, HttpAnswer } from './connection.ts';

export interface PrometheusApiParts {
  connection: Connection;
  clock: Clock;
  /** Milliseconds for one call. */
  timeoutMs: number;
}

export type PrometheusApi = ReturnType<typeof createPrometheusApi>;

/** The calls to Prometheus, or to a server with its API: Thanos, Mimir, VictoriaMetrics. */
export function createPrometheusApi({ connection, clock, timeoutMs }: PrometheusApiParts) {
  const ask = async (
    path: string,
    form: Record<string, string> | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> => {
    try {
      return await limited({ clock, limitMs: timeoutMs, signal }, (both) => connection.ask(path, form, both));
    } catch (error) {
      signal.throwIfAborted();
      throw new Error(`Prometheus did not answer: ${(error as Error).message}`, { cause: error });
    }
  };

  return {
    /** An instant query. @throws Error in words; the signal's reason. */
    async query(text: string, signal: AbortSignal): Promise<readonly ReadSeries[]> {
      // Thanos leaves out stores that it cannot reach, unless this forbids it. Other servers ignore the parameter.
      const form = { query: text, timeout: formatDuration(timeoutMs), partial_response: 'false' };
      const { status, json } = await ask('/api/v1/query', form, signal);
      const isErrorAnswer = (json as { status?: unknown } | undefined)?.status === 'error';
      if (status !== 200 && !isErrorAnswer) throw new Error(`Prometheus answered with status ${status}`);
      try {
        return readAnswer(json);
      } catch (error) {
        throw new Error(`Prometheus cannot be used: ${(error as Error).message}`, { cause: error });
      }
    },
    /** Milliseconds since it started; undefined where the API does not say. @throws Error in words; the signal's reason. */
    async uptime(signal: AbortSignal): Promise<number | undefined> {
      const { status, dateMs, json } = await ask('/api/v1/status/runtimeinfo', undefined, signal);
      if (status >= 400 && status < 500) return undefined;
      if (status !== 200) throw new Error(`Prometheus answered with status ${status} when asked for its start`);
      const { startTime } = (json as { data?: { startTime?: unknown } } | undefined)?.data ?? {};
      const startMs = typeof startTime === 'string' ? Date.parse(startTime) : NaN;
      // By its own clock, so that the two need not agree.
      return Number.isNaN(startMs) ? undefined : (Number.isNaN(dateMs) ? clock.now() : dateMs) - startMs;
    },
  };
}
