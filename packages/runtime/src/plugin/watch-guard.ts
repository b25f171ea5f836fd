import {
  type Clock,
  type EndpointListener,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
} from '@scaler/scaler-types';
import { Pace } from './pace.ts';
import { shown } from './problem-log.ts';
import { isRef, readResource } from './read-resource.ts';
import { readEndpoints } from './read-values.ts';

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
  const takeOne = takeChanges(parts);
  let isSynced = false;
  const take = (raw: unknown): void => {
    // Changes that wait came before `synced`.
    if (keyOf(raw) === '') {
      pace.flush();
      isSynced = true;
    }
    takeOne(raw);
  };
  const onMany = (most: number, key?: string): void =>
    onProblem(`sent ${most} changes within a second${key === undefined ? '' : ` of ${key || 'all'}`}, ${theLast}`);
  const pace = new Pace<unknown>({ clock, signal, take, onMany });
  return (raw) => pace.pass(keyOf(raw), raw, isSynced);
}

function takeChanges({ listener, onProblem }: ChangeGuardParts): (raw: unknown) => void {
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

export interface EndpointGuardParts extends Omit<ChangeGuardParts, 'listener'> {
  readonly listener: EndpointListener;
}

/** Passes on the endpoints that a scaler's `watchEndpoints` sends for one target: read, and at a bounded rate. */
export function guardEndpoints({ listener, signal, clock, onProblem }: EndpointGuardParts): (raw: unknown) => void {
  const take = (raw: unknown): void => {
    try {
      listener(readEndpoints(raw, onProblem));
    } catch (error) {
      onProblem(`sent endpoints that cannot be taken: ${shown((error as Error | undefined)?.message)}`);
    }
  };
  const onMany = (most: number): void =>
    onProblem(`sent ${most} changes of one target within a second, of more, the last is taken`);
  const pace = new Pace<unknown>({ clock, signal, take, onMany });
  return (raw) => pace.pass('', raw, false);
}
