import type { Facts, ServiceFacts } from '../facts.ts';
import type { Step } from '../step.ts';

/** A cluster in memory, as far as the repair table can see and change it. */
export interface Model {
  facts(): Facts;
  /** Applies a step, and what the cluster does by itself after it. False: it waits for something that never comes. */
  perform(step: Step): boolean;
  confirmed(): boolean;
  /** Whether a new connection to the Service finds pods, or a DLX which would wake them. */
  isServed(): boolean;
  /** What is wrong with the state at rest, if anything. */
  complaint(): string | undefined;
}

/** Begins with `start`; readiness follows from replicas and keys, as in a cluster. */
export function createModel(start: Facts): Model {
  let facts = follow(start);
  let confirmed = false;
  let epochs = 0;

  const setWorkload = (change: Partial<NonNullable<Facts['workload']>>): void => {
    if (facts.workload !== undefined) facts = follow({ ...facts, workload: { ...facts.workload, ...change } });
  };
  const setService = (name: string, change: Partial<ServiceFacts>): void => {
    const services = facts.services.map((s) => (s.name === name ? { ...s, ...change, stableForMs: 0 } : s));
    facts = follow({ ...facts, services });
  };

  function perform(step: Step): boolean {
    switch (step.do) {
      case 'rest':
        return false;
      case 'wait':
        if (step.for === 'dlx' || step.for === 'reach') return false;
        if (step.for === 'endpoints' && !facts.usable) return false;
        facts = { ...facts, services: facts.services.map((s) => ({ ...s, stableForMs: s.stableForMs + step.forMs })) };
        return true;
      case 'swap':
        if (step.testReplicas !== undefined && step.testReplicas !== facts.workload?.replicas) throw new Error('test');
        epochs += 1;
        setWorkload({
          phase: step.to,
          phaseLabel: step.to,
          epoch: `epoch-${epochs}`,
          wanted: Math.max(1, step.wanted),
          ...(step.replicas === undefined ? {} : { replicas: step.replicas }),
        });
        return true;
      case 'forget':
        setWorkload({ phase: undefined, phaseLabel: undefined, epoch: undefined, marked: false });
        return true;
      case 'label-ports':
        setWorkload({ portsLabelled: true });
        return true;
      case 'try-path':
        facts = { ...facts, reachable: true };
        return true;
      case 'write-slices':
        setService(step.service, { slices: 'whole', sliceEpoch: step.epoch });
        return true;
      case 'delete-slices':
        setService(step.service, { slices: 'none', sliceEpoch: undefined });
        return true;
      case 'add-key':
        setService(step.service, { key: step.epoch });
        return true;
      case 'remove-key':
        setService(step.service, { key: undefined });
        return true;
      case 'confirm':
        confirmed = true;
        return true;
    }
  }

  return {
    facts: () => facts,
    perform,
    confirmed: () => confirmed,
    isServed: () => facts.services.every((service) => isServed(facts, service)),
    complaint: () => complaint(facts),
  };
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

function complaint(facts: Facts): string | undefined {
  const { workload } = facts;
  const [service] = facts.services;
  if (workload === undefined || service === undefined) return undefined;
  if (workload.phase === 'parking') return 'it rests while parking';
  if (!service.ours && (service.slices !== 'none' || service.key !== undefined))
    return 'a Service that is not ours keeps traces';
  if (!workload.enabled) {
    return workload.marked || service.slices !== 'none' || service.key !== undefined
      ? 'traces are left behind'
      : undefined;
  }
  const leftAtZero = workload.replicas === 0 && workload.phase === 'awake';
  if (leftAtZero) {
    const mayBe = !facts.followZero || facts.refused !== undefined || facts.dlx !== 'ready';
    return mayBe ? undefined : 'it is awake at zero';
  }
  if (workload.phase === 'asleep' && workload.replicas > 0) return 'it is asleep with replicas';
  if (workload.phase === undefined) return 'its phase is unknown';
  // A DLX that went away a moment ago: the dead-man switch ends this.
  if (facts.dlx === 'none' && (workload.phase === 'asleep' || service.slices !== 'none')) return undefined;
  if (!isServed(facts, service)) return 'nobody serves it';
  return undefined;
}
