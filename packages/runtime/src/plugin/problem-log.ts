import { type Clock, type Logger, type ResourceRef, resourceKey } from '@scaler/scaler-types';

const perMinute = 20;
const minuteMs = 60_000;
const remembered = 1000;

interface Logged {
  sinceMs: number;
  count: number;
}

/** Logs the problems of a scaler: each one once, and a few a minute of each member. */
export function createProblemLog(packageName: string, clock: Clock, logger: Logger) {
  const known = new Set<string>();
  const logged = new Map<string, Logged>();
  const counts = new Map<string, number>();

  const mayLog = (member: string): boolean => {
    const nowMs = clock.monotonic();
    const before = logged.get(member);
    if (before === undefined || nowMs - before.sinceMs >= minuteMs) {
      const more = (before?.count ?? 0) - perMinute;
      if (more > 0)
        logger.warn('the scaler does wrong', { problem: sentence(packageName, member, `did ${more} more`) });
      logged.set(member, { sinceMs: nowMs, count: 1 });
      return true;
    }
    before.count += 1;
    return before.count <= perMinute;
  };
  return {
    /** How often each member did wrong, logged or not. */
    counts: counts as ReadonlyMap<string, number>,
    /** `problem` goes on after `the scaler NAME: MEMBER `. */
    report(member: string, problem: string, of?: ResourceRef): void {
      counts.set(member, (counts.get(member) ?? 0) + 1);
      const key = [member, of && resourceKey(of), problem].join(' ');
      if (known.has(key) || !mayLog(member)) return;
      // A problem that is worded anew each time is bounded by the minute.
      if (known.size >= remembered) known.clear();
      known.add(key);
      const resource = of === undefined ? {} : { namespace: of.namespace, resource: of.name };
      logger.warn('the scaler does wrong', { ...resource, problem: sentence(packageName, member, problem) });
    },
  };
}

/** `the scaler @acme/x: getResources did not answer within 30 s`. */
export function sentence(packageName: string, member: string, problem: string): string {
  return `the scaler ${packageName}: ${member} ${problem}`;
}

/** A value as messages quote it. */
export function shown(value: unknown): string {
  return asText(value).slice(0, 80);
}

function asText(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  try {
    if (typeof value === 'string') return JSON.stringify(value.slice(0, 80));
    // A large value is not written out only to be cut.
    if (Array.isArray(value)) return `a list of ${value.length}`;
    if (typeof value === 'object' && value !== null)
      return `an object with ${Object.keys(value).slice(0, 5).join(', ')}`;
    return String(value);
  } catch {
    return 'something that cannot be read';
  }
}
