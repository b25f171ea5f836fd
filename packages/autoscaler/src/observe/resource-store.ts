import { type Resource, type ResourceRef, resourceKey } from '@scaler/scaler-types';

/** The resources as the scaler sent them last, by key. */
export interface ResourceStore {
  set(resource: Resource): void;
  remove(ref: ResourceRef): void;
  /** Takes a whole list: resources that are not in it are removed. */
  replaceAll(list: readonly Resource[]): void;
  get(ref: ResourceRef): Resource | undefined;
  list(): readonly Resource[];
  /** Calls back with every resource that changes or is removed, until the returned function is called. */
  onChange(listener: (ref: ResourceRef) => void): () => void;
}

export function createResourceStore(): ResourceStore {
  const resources = new Map<string, Resource>();
  const listeners = new Set<(ref: ResourceRef) => void>();

  const notify = (ref: ResourceRef): void => listeners.forEach((listener) => listener(ref));
  const set = (resource: Resource): void => {
    resources.set(resourceKey(resource), resource);
    notify(resource);
  };
  const remove = (ref: ResourceRef): void => {
    if (resources.delete(resourceKey(ref))) notify(ref);
  };
  return {
    set,
    remove,
    replaceAll(list) {
      const listed = new Set(list.map(resourceKey));
      for (const resource of [...resources.values()]) if (!listed.has(resourceKey(resource))) remove(resource);
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
