import { isLegal } from '@scaler/chaos';
import { type Deployment, kinds, watchStore } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
import { phaseOf } from '../site/seen.ts';
import type { Ground } from '../scenario.ts';

/** The token and the replicas of a workload at one time. */
interface Token {
  readonly name: string;
  readonly phase: string;
  readonly epoch: string | undefined;
  readonly replicas: number;
}

/** Sees every change of the fleet's workloads, and whether it was a legal one. */
export interface Witness {
  /** `INVARIANT: facts`, in their order. */
  readonly broken: readonly string[];
  readonly seen: { readonly parks: number; readonly cancelled: number; readonly wakes: number };
  close(): Promise<void>;
}

/** `busy`: those that are asked all the while, and so are never at zero. */
export async function openWitness(ground: Ground, namespace: string, busy: ReadonlySet<string>): Promise<Witness> {
  const logger = createLogger({ name: 'e2e', level: 'error', format: 'text' });
  const seen = { parks: 0, cancelled: 0, wakes: 0 };
  const broken: string[] = [];
  const epochs = new Set<string>();
  const store = watchStore<Deployment, Token>({
    ...{ client: ground.kube, clock: systemClock, logger },
    kind: kinds.deployment,
    namespaces: [namespace],
    trim: tokenOf,
  });
  let relists = store.relists;
  const judge = (before: Token, after: Token): void => {
    // The changes between a list and the one before it stay unknown.
    const isWhole = store.relists === relists;
    relists = store.relists;
    const what = `${after.name}: ${before.phase} (${before.replicas}) → ${after.phase} (${after.replicas}) at ${new Date().toISOString()}`;
    const isSwap = before.phase !== after.phase || before.epoch !== after.epoch;
    if (isSwap && isWhole && !isLegal(before.phase, after.phase)) broken.push(`legal phases: ${what}`);
    if (isSwap && after.phase !== 'unknown') {
      if (after.epoch === undefined || epochs.has(after.epoch))
        broken.push(`new epochs: ${what}, by epoch ${after.epoch}`);
      else epochs.add(after.epoch);
    }
    if (before.replicas > 0 && after.replicas === 0) {
      if (isWhole && !(before.phase === 'parking' && after.phase === 'asleep'))
        broken.push(`zero ends a park: ${what}`);
      if (busy.has(after.name)) broken.push(`no busy resource parked: ${what}`);
    }
    if (before.phase === 'parking' && after.phase === 'asleep') seen.parks += 1;
    if (before.phase === 'parking' && after.phase === 'waking') seen.cancelled += 1;
    if (before.replicas === 0 && after.replicas > 0) seen.wakes += 1;
  };
  const stop = new AbortController();
  const running = store.run(stop.signal);
  await store.whenSynced(ground.signal);
  for (const { epoch } of store.list()) if (epoch !== undefined) epochs.add(epoch);
  relists = store.relists;
  store.subscribe((event) => {
    if (event.type === 'updated') judge(event.previous, event.object);
  });
  return {
    broken,
    seen,
    async close() {
      stop.abort();
      await running;
    },
  };
}

function tokenOf(workload: Deployment): Token {
  const { metadata, spec } = workload;
  return {
    name: metadata?.name ?? '',
    phase: phaseOf(workload) ?? 'unknown',
    epoch: metadata?.labels?.['scaler/epoch'],
    replicas: spec?.replicas ?? 1,
  };
}
