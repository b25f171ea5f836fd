import { unlessAborted } from '@scaler/async';
import { type EndpointSlice, identity, kinds, type KubeClient, watchStore } from '@scaler/kube';
import { ourSlices, trimSlice } from '../routing/slices.ts';
import type { ScalerContext } from '@scaler/scaler-types';

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
  // No more is kept than whether it names one of them: there is a slice for each sleeper.
  const trim = (slice: EndpointSlice) => ({
    ...identity(slice.metadata),
    us: trimSlice(slice).endpoints.some(({ address }) => own.has(address)),
  });
  const store = watchStore({
    ...{ client, kind: kinds.endpointSlice, namespaces, labelSelector: ourSlices, trim, clock, logger },
    optional: true,
  });
  store.addIndex('us', ({ us }) => (us ? ['us'] : []));
  const done = new AbortController();
  const running = store.run(AbortSignal.any([signal, done.signal]));
  try {
    await store.whenSynced(signal);
    const unlisted = Promise.withResolvers<void>();
    const look = (): void => {
      if (store.byIndex('us', 'us').length === 0) unlisted.resolve();
    };
    store.subscribe(look);
    look();
    await unlessAborted(unlisted.promise, signal);
  } finally {
    done.abort();
    await running;
  }
}
