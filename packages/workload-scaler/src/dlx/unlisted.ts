import { type EndpointSlice, kinds, type KubeClient, watchStore } from '@scaler/kube';
import { ourSlices, trimSlice } from '../routing/slices.ts';
import type { ScalerContext } from '@scaler/scaler-types';

/** What is kept of a slice: no more, as there is one for each sleeper. */
interface Naming {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** It names one of the addresses. */
  readonly us: boolean;
}

/**
 * Resolves when no slice of ours names any of these addresses. Where slices must not be read that is at once, with a
 * warning.
 *
 * @throws the signal's reason.
 */
export async function whenUnlisted(
  client: KubeClient,
  { namespaces, clock, logger }: Pick<ScalerContext, 'namespaces' | 'clock' | 'logger'>,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const own = new Set(addresses);
  const trim = (slice: EndpointSlice): Naming => {
    const { namespace, name, uid, resourceVersion, endpoints } = trimSlice(slice);
    return { namespace, name, uid, resourceVersion, us: endpoints.some(({ address }) => own.has(address)) };
  };
  const store = watchStore({
    ...{ client, kind: kinds.endpointSlice, namespaces, labelSelector: ourSlices, trim, clock, logger },
    optional: true,
  });
  store.addIndex('us', ({ us }) => (us ? ['us'] : []));
  const done = new AbortController();
  const running = store.run(AbortSignal.any([signal, done.signal]));
  try {
    await store.whenSynced(signal);
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (store.byIndex('us', 'us').length === 0) resolve();
      };
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      store.subscribe(look);
      look();
    });
  } finally {
    done.abort();
    await running;
  }
}
