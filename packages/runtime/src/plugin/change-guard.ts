import { type Clock, type ResourceChange, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { shown } from './complaints.ts';
import { isRef, readToldResource } from './told-resource.ts';

/** Of one resource within a second; of more the last is taken when the second is over. */
const perSecond = 20;
/** Of all, once all were told. */
const perSecondInAll = 5000;
const secondMs = 1000;
const theLast = 'of more the last of each is taken when it is over';
/** Resources that are known at once. */
const mostResources = 100_000;

export interface ChangeGuardParts {
  readonly listener: (change: ResourceChange) => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Told of what is wrong, a clause, and of which resource. */
  readonly tell: (problem: string, of?: ResourceRef) => void;
}

/** What a scaler's `watchResources` tells, as it is passed on: read, as often as can be borne, and no longer than it is wanted. */
export function guardChanges(parts: ChangeGuardParts): (change: unknown) => void {
  const { signal, clock, tell } = parts;
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
    // The last word of a resource stands where the last was spoken.
    late.delete(key);
    if (isSynced) inAll += 1;
    if (count > perSecond || inAll > perSecondInAll) {
      if (count === perSecond + 1) tell(`told ${perSecond} changes within a second of ${key || 'all'}, ${theLast}`);
      else if (inAll === perSecondInAll + 1) tell(`told ${perSecondInAll} changes within a second, ${theLast}`);
      late.set(key, raw);
      cancel ??= clock.after(secondMs, flush);
      return;
    }
    // What waits was told before it.
    if (key === '') {
      flush();
      isSynced = true;
    }
    take(raw);
  };
}

function takeChanges({ listener, signal, tell }: ChangeGuardParts): (raw: unknown) => void {
  const known = new Set<string>();
  const hasRoom = ({ type, resource }: Exclude<ResourceChange, { type: 'synced' }>): boolean => {
    const key = resourceKey(resource);
    if (type === 'removed') known.delete(key);
    else if (known.size < mostResources || known.has(key)) known.add(key);
    else {
      tell(`told of more than ${mostResources} resources, the others are left out`);
      return false;
    }
    return true;
  };
  return (raw) => {
    if (signal.aborted) return;
    try {
      const change = readChange(raw, tell);
      if (change !== undefined && (change.type === 'synced' || hasRoom(change))) listener(change);
    } catch (error) {
      tell(`told a change that cannot be taken: ${shown((error as Error | undefined)?.message)}`);
    }
  };
}

function readChange(raw: unknown, tell: ChangeGuardParts['tell']): ResourceChange | undefined {
  const { type, resource: told } = (raw ?? {}) as { type?: unknown; resource?: unknown };
  if (type === 'synced') return { type };
  if (type === 'removed' && isRef(told)) return { type, resource: { namespace: told.namespace, name: told.name } };
  if (type !== 'set') {
    tell(`told a change whose type is ${shown(type)}, allowed are set, removed (with a resource) and synced`);
    return undefined;
  }
  const { resource, problems } = readToldResource(told);
  for (const problem of problems) tell(problem, resource);
  return resource && { type, resource };
}

/** Without reading all of it. Of what is none, and of `synced`: the empty text. */
function keyOf(raw: unknown): string {
  try {
    const { resource } = raw as { resource?: unknown };
    return isRef(resource) ? resourceKey(resource) : '';
  } catch {
    return '';
  }
}
