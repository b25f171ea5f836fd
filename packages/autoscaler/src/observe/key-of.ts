import { type ResourceRef, resourceKey } from '@scaler/scaler-types';

const keys = new WeakMap<ResourceRef, string>();

/** `resourceKey`, cached by object: each tick needs the key of each of a thousand resources several times. */
export function keyOf(ref: ResourceRef): string {
  let key = keys.get(ref);
  if (key === undefined) {
    key = resourceKey(ref);
    keys.set(ref, key);
  }
  return key;
}
