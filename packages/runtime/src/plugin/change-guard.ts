import { type Clock, type ResourceChange, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { shown } from './problem-log.ts';
import { isRef, readResource } from './read-resource.ts';

/** Changes of one resource within a second; of more, the last is taken when the second is over. */
const perSecond = 20;
/** Changes of all resources within a second, after `synced`. */
const perSecondInAll = 5000;
const secondMs = 1000;
const theLast = 'of more, the last of each resource is taken when the second is over';
/** Resources that a watch may have at once. */
const mostResources = 100_000;

export interface ChangeGuardParts {
  readonly listener: (change: ResourceChange) => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Called with what is wrong, a clause, and with the resource. */
  readonly onProblem: (problem: string, of?: ResourceRef) => void;
}

/** Passes on the changes that a scaler's `watchResources` sends: read, at a bounded rate, and until the signal aborts. */
export function guardChanges(parts: ChangeGuardParts): (change: unknown) => void {
  const { signal, clock, onProblem } = parts;
  const take = takeChanges(parts);
  const late = new Map<string, unknown>();
  let counts = new Map<string, number>();
  let sinceMs = clock.monotonic();
  let inAll = 0;
  let isSynced = false;
  let cancel: (() => void) | undefined;
  signal.addEventListener('abort', () => cancel?.(), { once: true });

  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    const all = [...late.values()];
    late.clear();
    for (const raw of all) take(raw);
  };
  return (raw) => {
    if (signal.aborted) return;
    const nowMs = clock.monotonic();
    if (nowMs - sinceMs >= secondMs) {
      sinceMs = nowMs;
      counts = new Map();
      inAll = 0;
    }
    const key = keyOf(raw);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    // The last change of a resource takes the place of its last arrival.
    late.delete(key);
    if (isSynced) inAll += 1;
    if (count > perSecond || inAll > perSecondInAll) {
      if (count === perSecond + 1)
        onProblem(`sent ${perSecond} changes within a second of ${key || 'all'}, ${theLast}`);
      else if (inAll === perSecondInAll + 1) onProblem(`sent ${perSecondInAll} changes within a second, ${theLast}`);
      late.set(key, raw);
      cancel ??= clock.after(secondMs, flush);
      return;
    }
    // Changes that wait came before `synced`.
    if (key === '') {
      flush();
      isSynced = true;
    }
    take(raw);
  };
}

function takeChanges({ listener, signal, onProblem }: ChangeGuardParts): (raw: unknown) => void {
  const known = new Set<string>();
  const hasRoom = ({ type, resource }: Exclude<ResourceChange, { type: 'synced' }>): boolean => {
    const key = resourceKey(resource);
    if (type === 'removed') known.delete(key);
    else if (known.size < mostResources || known.has(key)) known.add(key);
    else {
      onProblem(`sent more than ${mostResources} resources, the others are left out`);
      return false;
    }
    return true;
  };
  return (raw) => {
    if (signal.aborted) return;
    try {
      const change = readChange(raw, onProblem);
      if (change !== undefined && (change.type === 'synced' || hasRoom(change))) listener(change);
    } catch (error) {
      onProblem(`sent a change that cannot be taken: ${shown((error as Error | undefined)?.message)}`);
    }
  };
}

function readChange(raw: unknown, onProblem: ChangeGuardParts['onProblem']): ResourceChange | undefined {
  const { type, resource: given } = (raw ?? {}) as { type?: unknown; resource?: unknown };
  if (type === 'synced') return { type };
  if (type === 'removed' && isRef(given)) return { type, resource: { namespace: given.namespace, name: given.name } };
  if (type !== 'set') {
    onProblem(`sent a change whose type is ${shown(type)}, allowed are set, removed (with a resource) and synced`);
    return undefined;
  }
  const { resource, problems } = readResource(given);
  for (const problem of problems) onProblem(problem, resource);
  return resource && { type, resource };
}

/** The key of a change's resource, without reading all of it; empty for `synced` and for a value that is no change. */
function keyOf(raw: unknown): string {
  try {
    const { resource } = raw as { resource?: unknown };
    return isRef(resource) ? resourceKey(resource) : '';
  } catch {
    return '';
  }
}
