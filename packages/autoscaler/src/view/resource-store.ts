import { type Logger, type Resource, type ResourceRef, resourceKey } from '@scaler/scaler-types';
import { whyNotAResource } from './usable-resource.ts';

/** The resources as told last, by key. */
export interface ResourceStore {
  /** What is not a resource is logged and left out; the others are not affected. */
  set(resource: Resource): void;
  remove(ref: ResourceRef): void;
  /** Those that are not in the list are removed. */
  replaceAll(list: readonly Resource[]): void;
  get(ref: ResourceRef): Resource | undefined;
  list(): readonly Resource[];
  /** Calls back with every resource that changes or goes, until the returned function is called. */
  onChange(listener: (ref: ResourceRef) => void): () => void;
}

export function createResourceStore(logger: Logger): ResourceStore {
  const resources = new Map<string, Resource>();
  const listeners = new Set<(ref: ResourceRef) => void>();

  const tell = (ref: ResourceRef): void => listeners.forEach((listener) => listener(ref));
  const set = (resource: Resource): void => {
    const problem = whyNotAResource(resource);
    if (problem !== undefined) {
      logger.warn('the scaler told of something that is not a resource', { problem });
      return;
    }
    resources.set(resourceKey(resource), resource);
    tell(resource);
  };
  const remove = (ref: ResourceRef): void => {
    if (resources.delete(resourceKey(ref))) tell(ref);
  };
  return {
    set,
    remove,
    replaceAll(list) {
      const told = new Set(list.filter((one) => whyNotAResource(one) === undefined).map(resourceKey));
      for (const resource of [...resources.values()]) if (!told.has(resourceKey(resource))) remove(resource);
      list.forEach(set);
    },
    get: (ref) => resources.get(resourceKey(ref)),
    list: () => [...resources.values()],
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
