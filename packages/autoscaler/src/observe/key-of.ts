import { type ResourceRef, resourceKey } from '@scaler/scaler-types';

const keys = new WeakMap<ResourceRef, string>();

/** `resourceKey` of an object that stays: each tick asks several times for the key of each of a thousand. */
export function keyOf(ref: ResourceRef): string {
  let key = keys.get(ref);
  if (key === undefined) {
    key = resourceKey(ref);
    keys.set(ref, key);
  }
  return key;
}
