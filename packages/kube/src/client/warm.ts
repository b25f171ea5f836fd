import type { Clock, Logger } from '@scaler/scaler-types';
import type { Caller } from './caller.ts';

const timeoutMs = 2_000;
const intervalMs = 5_000;
const connections = 2;

/**
 * Uses some connections of the `wake` lane again and again. A wake then never pays for a handshake, and a connection
 * that died silently is found here, by a request that no caller waits for.
 */
export async function keepWarm(
  call: Caller,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  let failing = false;
  while (!signal.aborted) {
    const one = (): Promise<unknown> => call({ method: 'GET', path: '/version', lane: 'wake', timeoutMs, signal });
    const [failure] = (await Promise.allSettled(Array.from({ length: connections }, one))).filter(
      (r) => r.status === 'rejected',
    );
    if (signal.aborted) return;
    if (failure !== undefined && !failing)
      logger.warn('Kubernetes API does not answer', { err: failure.reason as unknown });
    if (failure === undefined && failing) logger.info('Kubernetes API answers again');
    failing = failure !== undefined;
    await clock.sleep(intervalMs, signal).catch(() => undefined);
  }
}
