import type { GuardedScaler } from '@scaler/runtime';
import type { Clock, Logger, Resource } from '@scaler/scaler-types';
import { createAttemptBook } from '../act/attempt-book.ts';
import { createFence, type FenceParts } from '../act/fence.ts';
import { createNotices } from '../act/notices.ts';
import { park, type ParkParts } from '../act/park.ts';
import { createParks, type Parks } from '../act/parks.ts';
import { preflight, type PreflightParts } from '../act/preflight.ts';
import { createReconciler, type Reconciler } from '../act/reconciler.ts';
import type { Observer } from '../observe/metrics.ts';
import type { ResourceView } from '../observe/resource-view.ts';
import { createTroubles, type Troubles } from '@scaler/async';
import type { Ring } from '../observe/history.ts';
import type { Source } from '../collect/collect.ts';
import { longestWindowMs } from '../collect/want.ts';
import { createTicker, type TickResult, type TickSettings } from '../tick.ts';

export interface LeadSettings extends TickSettings {
  /** Parks at once. */
  maxParks: number;
  /** Resources reconciled at once. */
  maxReconciles: number;
}

export interface LeadParts {
  scaler: GuardedScaler;
  view: ResourceView;
  sources: readonly Source[];
  fence: Omit<FenceParts, 'judgeAgain'>;
  preflight: PreflightParts;
  ring: Ring;
  observer: Observer;
  settings: LeadSettings;
  clock: Clock;
  logger: Logger;
  /** The name of this replica. */
  identity: string;
  /** Whether another replica may have acted before. */
  isSuccessor: boolean;
}

type Acting = ReturnType<typeof prepare>;

/**
 * Runs the work of the Lease holder until the signal aborts: ticks, parks, reconciles. It keeps nothing of an earlier time
 * as holder. Ends when all work under way has ended.
 *
 * @throws the signal's reason.
 */
export async function lead(parts: LeadParts, signal: AbortSignal): Promise<void> {
  const { view } = parts;
  await view.whenSynced(signal);
  const acting = prepare(parts, signal);
  const { reconciler, parks } = acting;
  const stopListening = view.onChange((ref) => reconciler.notify(ref));
  try {
    await tickUntilAborted(parts, acting, signal);
  } finally {
    stopListening();
    await Promise.all([parks.idle(), reconciler.idle()]);
  }
}

function prepare(parts: LeadParts, signal: AbortSignal) {
  const { view, scaler, settings } = parts;
  const ticker = createTicker(parts);
  const attempts = createAttemptBook({ ...parts, get: (ref) => view.get(ref) });
  const parkParts: ParkParts = {
    scaler,
    fence: createFence({
      ...parts.fence,
      judgeAgain: (request, fenceSignal) => ticker.judgeAgain(request.resource, fenceSignal),
    }),
    preflight: (ref, askSignal) => preflight(parts.preflight, ref, askSignal),
    by: `autoscaler/${parts.identity}`,
  };
  const parks: Parks = createParks({
    limit: settings.maxParks,
    clock: parts.clock,
    signal,
    park: (resource, reasons, parkSignal) => park(parkParts, resource, reasons, parkSignal),
    onBegin: (resource, reasons) => attempts.begin(resource, reasons),
    onEnd: (resource, result) => {
      attempts.end(resource, result);
      reconciler.notify(resource);
    },
  });
  const reconciler: Reconciler = createReconciler({
    ...parts,
    reconcile: scaler.reconcile?.bind(scaler),
    isParking: (key) => parks.running.has(key),
    limit: settings.maxReconciles,
    retryMs: 500,
    signal,
  });
  const notices = createNotices({ ...parts, patienceMs: (ref) => patienceOf(view.get(ref), settings) });
  const troubles = createTroubles(parts.clock, parts.logger);
  return { ticker, attempts, parks, reconciler, notices, troubles };
}

/** One window in which nothing was known, and one more until the resource may be judged again. */
function patienceOf(resource: Resource | undefined, settings: LeadSettings): number {
  try {
    return resource ? 2 * longestWindowMs(resource, settings) : 0;
  } catch {
    return 2 * settings.idleAfterMs;
  }
}

async function tickUntilAborted(parts: LeadParts, acting: Acting, signal: AbortSignal): Promise<void> {
  const { clock, settings, ring, observer } = parts;
  const { ticker, parks, reconciler, attempts, notices } = acting;
  while (!signal.aborted) {
    const beganMs = clock.monotonic();
    reconciler.sweep();
    const result = await ticker.tick({ parking: parks.running, attempts: attempts.all() }, signal);
    recordTick(parts, acting.troubles, result, clock.monotonic() - beganMs);
    notices.ticked(result.decisions);
    parks.offer(result.decisions);
    ring.keepOnly(result.resources);
    attempts.look(result.resources, beganMs);
    observer.ticked(result, clock.monotonic() - beganMs, notices.open);
    await clock.sleep(Math.max(0, settings.intervalMs - (clock.monotonic() - beganMs)), signal);
  }
}

function recordTick({ ring, logger, clock }: LeadParts, troubles: Troubles, result: TickResult, tookMs: number): void {
  for (const { resource, action, reasons } of result.decisions) {
    // The history has a park from its begin on: until then it may have to wait for its turn.
    if (action === 'park') continue;
    if (action === 'would-park' && ring.of(resource)[0]?.what !== action) {
      logger.info('would park', { namespace: resource.namespace, resource: resource.name, reasons });
    }
    ring.add(resource, { what: action, reasons }, clock.now());
  }
  for (const { source, failures } of result.reports) {
    const fields = { source, failures: failures.slice(0, 5), count: failures.length };
    const trouble = { key: source, begun: 'source failed', ended: 'source works again' };
    troubles.see(trouble, failures.length > 0 ? fields : undefined);
  }
  const brake = { key: 'mass brake', begun: 'mass brake on', ended: 'mass brake off' };
  troubles.see(brake, result.braked ? { heldBack: result.heldBack } : undefined);
  const parks = result.decisions.filter(({ action }) => action === 'park').length;
  logger.debug('tick', { resources: result.resources.length, parks, tookMs: Math.round(tookMs) });
}
