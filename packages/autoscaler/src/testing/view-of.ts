import { guardScaler } from '@scaler/runtime';
import type { Clock, Logger, ResourceScaler } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { createResourceView, type ResourceView } from '../observe/resource-view.ts';

/** A view of the resources of a scaler with these members, guarded as every scaler is. */
export function viewOf(
  members: Partial<ResourceScaler>,
  clock: Clock,
  { retryMs = 1_000, logger = silentLogger }: { retryMs?: number; logger?: Logger } = {},
): ResourceView {
  const scaler = { getResources: () => Promise.reject(new Error('not asked')), ...members } as ResourceScaler;
  return createResourceView({
    scaler: guardScaler(scaler, { packageName: '@acme/x', clock, logger }),
    clock,
    logger,
    retryMs,
  });
}
