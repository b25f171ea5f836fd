import { type Facts, type ServiceFacts, isLeftAsleep } from '../machine/facts.ts';
import type { Step, StopStep, SwapStep } from '../machine/step.ts';
import { isZeroOfOthers } from '../machine/table.ts';

/** A cluster in memory, as far as the repair table can see and change it. */
export interface Model {
  facts(): Facts;
  /** Applies a step, and what the cluster does by itself after it. False: it waits for something that never comes. */
  apply(step: Step | StopStep): boolean;
  /** The park that was begun here. */
  begun(): { readonly epoch: string; readonly replicas: number } | undefined;
  confirmed(): boolean;
  /** A park has ended without a write. */
  stopped(): boolean;
  /** Whether a new connection to the Service finds pods, or a DLX which would wake them. */
  isServed(): boolean;
  /** What is wrong with the state at rest, if anything. */
  complaint(): string | undefined;
}

/** Begins with `start`; readiness follows from replicas and keys, as in a cluster. */
export function createModel(start: Facts): Model {
  let facts = follow(start);
  let confirmed = false;
  let stopped = false;
  let begun: ReturnType<Model['begun']>;
  let epochs = 0;
  return {
    facts: () => facts,
    apply: (step) => {
      if (step.do === 'rest' || (step.do === 'wait' && isForEver(facts, step.for))) return false;
      epochs += 1;
      confirmed ||= step.do === 'confirm';
      stopped ||= step.do === 'stop';
      if (step.do === 'swap' && step.to === 'parking')
        begun = { epoch: `epoch-${epochs}`, replicas: facts.workload?.replicas ?? 0 };
      facts = follow(after(facts, step, `epoch-${epochs}`));
      return true;
    },
    begun: () => begun,
    confirmed: () => confirmed,
    stopped: () => stopped,
    isServed: () => facts.services.every((service) => isServed(facts, service)),
    complaint: () => complaint(facts),
  };
}

function isForEver({ usable }: Facts, what: string): boolean {
  return what === 'dlx' || what === 'reach' || (what === 'endpoints' && !usable);
}

function after(facts: Facts, step: Step | StopStep, epoch: string): Facts {
  switch (step.do) {
    case 'wait':
      return { ...facts, services: facts.services.map((s) => ({ ...s, stableForMs: s.stableForMs + step.forMs })) };
    case 'swap':
      return swapped(facts, step, epoch);
    case 'forget':
      return withWorkload(facts, { phase: undefined, phaseLabel: undefined, epoch: undefined, marked: false });
    case 'label-ports':
      return withWorkload(facts, { portsLabelled: true });
    case 'try-path':
      return { ...facts, reachable: true };
    case 'write-slices':
      return withService(facts, step.service, {
        slices: 'whole',
        sliceEpoch: step.epoch,
        ...(step.forKey && { keyMayCome: true }),
      });
    case 'delete-slices':
      if (mayKeyCome(facts, step)) throw new Error('a key may still come where no slices are left');
      return withService(facts, step.service, { slices: 'none', sliceEpoch: undefined });
    case 'add-key':
      if (!mayKeyCome(facts, step)) throw new Error('nothing tells that a key may come');
      return withService(facts, step.service, { key: step.epoch, keyMayCome: false });
    case 'remove-key':
      return withService(facts, step.service, { key: undefined, keyMayCome: false });
    case 'touch-service':
      return touched(facts, step.service);
    case 'touch':
      return { ...facts, unseen: undefined };
    case 'rest':
    case 'stop':
    case 'confirm':
      return facts;
  }
}

function mayKeyCome({ services }: Facts, { service }: { readonly service: string }): boolean {
  return services.some(({ name, keyMayCome }) => name === service && keyMayCome);
}

// The settling goes on: nothing is routed otherwise.
function touched(facts: Facts, name: string): Facts {
  const services = facts.services.map((s) => (s.name === name ? { ...s, keyMayCome: false, touched: !s.touched } : s));
  return { ...facts, services };
}

function swapped(facts: Facts, { to, replicas, testReplicas, wanted, reason }: SwapStep, epoch: string): Facts {
  if (testReplicas !== undefined && testReplicas !== facts.workload?.replicas)
    throw new Error('the test of replicas fails');
  const followed = isZeroOfOthers(reason);
  const token = { phase: to, phaseLabel: to, epoch, followed, wanted: Math.max(1, wanted) };
  return withWorkload(facts, { ...token, ...(replicas === undefined ? {} : { replicas }) });
}

function withWorkload(facts: Facts, change: Partial<NonNullable<Facts['workload']>>): Facts {
  return facts.workload === undefined ? facts : { ...facts, workload: { ...facts.workload, ...change } };
}

function withService(facts: Facts, name: string, change: Partial<ServiceFacts>): Facts {
  const services = facts.services.map((s) => (s.name === name ? { ...s, ...change, stableForMs: 0 } : s));
  return { ...facts, services };
}

// Pods are ready as soon as they are asked for, and a Service lists them unless our key is in its selector.
function follow(facts: Facts): Facts {
  const usable = (facts.workload?.replicas ?? 0) > 0;
  return { ...facts, usable, services: facts.services.map((s) => ({ ...s, serves: usable && s.key === undefined })) };
}

function isServed(facts: Facts, service: ServiceFacts): boolean {
  if (!service.ours) return true;
  if (service.serves) return true;
  return facts.dlx === 'ready' && service.slices !== 'none' && service.slices !== 'broken';
}

function hasTraces({ slices, key, touched }: ServiceFacts): boolean {
  return slices !== 'none' || key !== undefined || touched;
}

function complaint(facts: Facts): string | undefined {
  const { workload } = facts;
  const [service] = facts.services;
  if (workload === undefined || service === undefined) return undefined;
  if (workload.phase === 'parking') return 'it rests while parking';
  if (!service.ours && hasTraces(service)) return 'a Service that is not ours keeps traces';
  if (!workload.enabled) {
    return workload.marked || hasTraces(service) ? 'traces are left behind' : undefined;
  }
  const { pause, dryRun } = facts.ownerIntent;
  if (workload.phase === undefined) {
    return dryRun && service.slices === 'none' && service.key === undefined ? undefined : 'its phase is unknown';
  }
  const leftAtZero = workload.replicas === 0 && workload.phase === 'awake';
  if (leftAtZero) {
    const wanted = pause === 'awake' || (facts.notDivertible === undefined && facts.dlx === 'ready');
    const mayBe = !facts.followZero || dryRun || pause === 'as-is' || !wanted;
    return mayBe ? undefined : 'it is awake at zero';
  }
  if (workload.phase === 'asleep' && workload.replicas > 0) return 'it is asleep with replicas';
  if (workload.phase === 'asleep' && pause === 'awake' && !dryRun) return 'it is paused awake and asleep';
  if (
    workload.phase === 'asleep' &&
    isLeftAsleep(facts.ownerIntent) &&
    (facts.notDivertible !== undefined || facts.dlx === 'gone')
  )
    return hasTraces(service) ? 'its Service leads nowhere' : undefined;
  // A DLX that went away a moment ago: the dead-man switch ends this.
  if (facts.dlx === 'none' && (workload.phase === 'asleep' || service.slices !== 'none')) return undefined;
  if (!isServed(facts, service)) return 'nobody serves it';
  return undefined;
}
