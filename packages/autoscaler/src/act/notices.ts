import {
  type Clock,
  formatDuration,
  type Logger,
  type Notice,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  cut,
} from '@scaler/scaler-types';
import type { Decision } from '../decide/decide.ts';

export interface NoticesParts {
  scaler: Pick<ResourceScaler, 'tell'>;
  clock: Clock;
  logger: Logger;
  /** Milliseconds for which the idleness of a resource may be unknown before somebody is told. */
  patienceMs: (resource: ResourceRef) => number;
}

/**
 * Tells whoever looks after a resource that it stays awake for one reason alone: nothing is known of its idleness, or the
 * mass brake holds it back.
 */
export interface Notices {
  /** Looks at the decisions of a tick. */
  ticked(decisions: readonly Decision[]): void;
  /** Resources that somebody was told of, and that are still unknown. */
  readonly open: number;
}

/** In the log; reasons quote what an owner wrote. */
const longestMessage = 500;

interface Unknown {
  sinceMs: number;
  told: boolean;
}

export function createNotices({ scaler, clock, logger, patienceMs }: NoticesParts): Notices {
  let unknowns = new Map<string, Unknown>();
  let heldBack: ReadonlySet<string> = new Set();

  const tell = (resource: ResourceRef, notice: Notice): void => {
    const message = cut(notice.message, longestMessage);
    const fields = { namespace: resource.namespace, resource: resource.name, message };
    if (notice.type === 'warning') logger.warn('idleness unknown', fields);
    else logger.info('idleness known again', fields);
    passOn(resource, notice);
  };
  const passOn = ({ namespace, name }: ResourceRef, notice: Notice): void => {
    try {
      scaler.tell?.({ namespace, name }, notice);
    } catch (err) {
      logger.error('the scaler failed to pass on a notice', { namespace, resource: name, err });
    }
  };
  const begun = (decision: Decision, { sinceMs, told }: Unknown): Unknown => {
    const forMs = clock.monotonic() - sinceMs;
    if (told || forMs <= patienceMs(decision.resource)) return { sinceMs, told };
    const message = `it stays awake, since its idleness has not been known for ${formatDuration(forMs - (forMs % 1_000))}: ${decision.reasons.join('; ')}`;
    tell(decision.resource, { type: 'warning', reason: 'IdlenessUnknown', message });
    return { sinceMs, told: true };
  };
  const next = (decision: Decision, before: Unknown | undefined): Unknown | undefined => {
    const { resource, verdict } = decision;
    if (verdict === 'unknown') return begun(decision, before ?? { sinceMs: clock.monotonic(), told: false });
    // Nobody has looked: it stays, or is away, for another reason.
    if (verdict === undefined) return before;
    if (before?.told)
      tell(resource, { type: 'normal', reason: 'IdlenessKnown', message: 'its idleness is known again' });
    return undefined;
  };

  // Not logged one by one: they are many, and the log has their number.
  const tellHeldBack = (decisions: readonly Decision[]): void => {
    const held = decisions.filter((decision) => decision.heldBack);
    for (const { resource, reasons } of held) {
      if (heldBack.has(resourceKey(resource))) continue;
      passOn(resource, {
        type: 'normal',
        reason: 'HeldBack',
        message: `it is not put to sleep yet: ${reasons.join('; ')}`,
      });
    }
    heldBack = new Set(held.map(({ resource }) => resourceKey(resource)));
  };

  return {
    ticked(decisions) {
      tellHeldBack(decisions);
      const entries = decisions.flatMap((decision) => {
        const key = resourceKey(decision.resource);
        const unknown = next(decision, unknowns.get(key));
        return unknown === undefined ? [] : [[key, unknown] as const];
      });
      unknowns = new Map(entries);
    },
    get open() {
      return [...unknowns.values()].filter(({ told }) => told).length;
    },
  };
}
