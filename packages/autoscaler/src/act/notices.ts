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
  /** Milliseconds for which the idleness of a resource may be unknown before a notice is sent. */
  patienceMs: (resource: ResourceRef) => number;
}

/** Characters of a message in the log; reasons quote texts of an owner. */
const longestMessage = 500;

interface Unknown {
  sinceMs: number;
  noticed: boolean;
}

/**
 * Sends notices to the owner of a resource that stays awake for one reason alone: its idleness is unknown, or the mass brake
 * holds it back.
 */
export function createNotices({ scaler, clock, logger, patienceMs }: NoticesParts) {
  let unknowns = new Map<string, Unknown>();
  let heldBack: ReadonlySet<string> = new Set();

  const send = (resource: ResourceRef, notice: Notice): void => {
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
  const begun = (decision: Decision, { sinceMs, noticed }: Unknown): Unknown => {
    const forMs = clock.monotonic() - sinceMs;
    if (noticed || forMs <= patienceMs(decision.resource)) return { sinceMs, noticed };
    const message = `it stays awake, since its idleness has not been known for ${formatDuration(forMs - (forMs % 1_000))}: ${decision.reasons.join('; ')}`;
    send(decision.resource, { type: 'warning', reason: 'IdlenessUnknown', message });
    return { sinceMs, noticed: true };
  };
  const next = (decision: Decision, before: Unknown | undefined): Unknown | undefined => {
    const { resource, verdict } = decision;
    if (verdict === 'unknown') return begun(decision, before ?? { sinceMs: clock.monotonic(), noticed: false });
    // No judgement at this tick: it stays, or is away, for another reason.
    if (verdict === undefined) return before;
    if (before?.noticed)
      send(resource, { type: 'normal', reason: 'IdlenessKnown', message: 'its idleness is known again' });
    return undefined;
  };

  // Not logged one by one, since they may be many; the log has their number.
  const sendHeldBack = (decisions: readonly Decision[]): void => {
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
    /** Takes the decisions of a tick. */
    ticked(decisions: readonly Decision[]): void {
      sendHeldBack(decisions);
      const entries = decisions.flatMap((decision) => {
        const key = resourceKey(decision.resource);
        const unknown = next(decision, unknowns.get(key));
        return unknown === undefined ? [] : [[key, unknown] as const];
      });
      unknowns = new Map(entries);
    },
    /** The number of resources with a notice whose idleness is still unknown. */
    get open(): number {
      return [...unknowns.values()].filter(({ noticed }) => noticed).length;
    },
  };
}
