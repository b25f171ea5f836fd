import type { ObjectMeta } from './wire.ts';

/** The fields that every trimmed object has. */
export function identity(metadata: ObjectMeta | undefined): {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
} {
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    resourceVersion: metadata?.resourceVersion ?? '',
  };
}
