import type { Facts, ServiceFacts } from './facts.ts';
import type { Step } from './step.ts';

/** The routing half of the repair table: one Service's next write towards being diverted, or towards being restored. */

// How soon to look again where nothing tells us that a pod joined its Service.
const lookAgainMs = 500;
const untilDlx: Step = { do: 'wait', for: 'dlx', forMs: lookAgainMs };

/** What a Service needs in order to be diverted. */
export interface Diversion {
  /** `slices`: the DLX beside the pods; `both`: the DLX alone. */
  readonly level: 'slices' | 'both';
  readonly epoch: string;
  /** Slices and key must carry this very epoch: they belong to this park. */
  readonly exact: boolean;
  /** Addresses follow the DLX's; never while a park waits. */
  readonly mirror: boolean;
}

/** The next write towards diverting every Service; undefined when all are. Slices come before keys, and say that one may come. */
export function divert(facts: Facts, { level, epoch, exact, mirror }: Diversion): Step | undefined {
  const ours = facts.services.filter((service) => service.ours);
  const isOpen = ({ key }: ServiceFacts): boolean =>
    level === 'both' && (key === undefined || (exact && key !== epoch));
  const unwritten = ours.find((service) => {
    const { slices, sliceEpoch, keyMayCome } = service;
    const untrue = slices === 'none' || slices === 'broken' || (slices === 'outdated' && mirror);
    return untrue || (exact && sliceEpoch !== epoch) || (isOpen(service) && !keyMayCome);
  });
  if (unwritten !== undefined) return writeSlices(facts, unwritten, epoch, isOpen(unwritten));
  if (level === 'both') {
    const open = ours.find(isOpen);
    if (open !== undefined && facts.dlx !== 'ready') return untilDlx;
    return open && { do: 'add-key', service: open.name, epoch };
  }
  return removeKeys(ours);
}

/** Keeps what is diverted reachable while pods start: a Service without ready pods of its own has the DLX behind it. */
export function keepDiverted(facts: Facts, epoch: string): Step | undefined {
  const blind = facts.services.find(({ ours, serves, slices }) => ours && !serves && slices !== 'whole');
  return blind && writeSlices(facts, blind, epoch, false);
}

/**
 * The next write, or wait, towards handing every Service of `services` back; undefined when nothing of ours is left.
 * Keys go first, also those that may still come. Slices go when the Service's own list pods and all have heard of it: `hasty`
 * leaves that out, where there is nothing to wait for.
 */
export function restore(
  facts: Facts,
  services: readonly ServiceFacts[],
  { hasty }: { hasty: boolean },
): Step | undefined {
  const keyStep = removeKeys(services);
  if (keyStep !== undefined) return keyStep;
  const awaited = services.find(({ keyMayCome }) => keyMayCome);
  if (awaited !== undefined) return { do: 'touch-service', service: awaited.name };
  const left = services.filter(({ slices }) => slices !== 'none');
  const ready = left.find((service) => hasty || (isHandedBack(service) && service.stableForMs >= facts.settleMs));
  if (ready !== undefined) return { do: 'delete-slices', service: ready.name };
  const settling = left.filter(isHandedBack);
  if (settling.length > 0) return settle(facts, settling);
  if (left.length > 0) return { do: 'wait', for: 'endpoints', forMs: lookAgainMs };
  const touched = services.find((service) => service.touched);
  return touched && { do: 'touch-service', service: touched.name };
}

// What leads nowhere without us leads nowhere with us either.
function isHandedBack({ serves, ours, leadsNowhere = false }: ServiceFacts): boolean {
  return serves || !ours || leadsNowhere;
}

/** Cleans Services that carry something of ours and do not belong to the resource any more. */
export function cleanStrays(facts: Facts): Step | undefined {
  return restore(
    facts,
    facts.services.filter(({ ours }) => !ours),
    { hasty: false },
  );
}

/**
 * What remains to wait for once all is written: own slices without pods (but in `overlay`), then `settle`.
 * See docs/decisions/settle.md.
 */
export function untilDiverted(facts: Facts): Step | undefined {
  const ours = facts.services.filter((service) => service.ours);
  if (facts.mode !== 'overlay' && ours.some(({ serves }) => serves)) return { do: 'wait', for: 'emptied', forMs: 50 };
  return untilHeard(facts);
}

/** Waits until the routing has stood as it is for `settle`. */
export function untilHeard(facts: Facts): Step | undefined {
  const ours = facts.services.filter((service) => service.ours);
  return ours.some(({ stableForMs }) => stableForMs < facts.settleMs) ? settle(facts, ours) : undefined;
}

function settle(facts: Facts, services: readonly ServiceFacts[]): Step {
  const left = services.map(({ stableForMs }) => facts.settleMs - stableForMs).filter((ms) => ms > 0);
  return { do: 'wait', for: 'settle', forMs: Math.min(...left) };
}

function writeSlices(facts: Facts, service: ServiceFacts, epoch: string, forKey: boolean): Step {
  if (facts.dlx !== 'ready') {
    // Neither pods nor a DLX behind the Service: pods that run are better than nothing.
    if (service.key !== undefined && (facts.workload?.replicas ?? 0) > 0)
      return { do: 'remove-key', service: service.name };
    return untilDlx;
  }
  return { do: 'write-slices', service: service.name, epoch, forKey };
}

function removeKeys(services: readonly ServiceFacts[]): Step | undefined {
  const closed = services.find(({ key }) => key !== undefined);
  return closed && { do: 'remove-key', service: closed.name };
}
