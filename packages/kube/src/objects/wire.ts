import type { V1ObjectMeta } from '@kubernetes/client-node';

/**
 * An object as it travels: `@kubernetes/client-node`'s classes say `Date` where the JSON has an RFC 3339 string, and
 * `_continue` where it has `continue`. This package parses JSON and nothing else, so its types are those of the JSON.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [K in keyof T as K extends `_${infer Plain}` ? Plain : K]: Wire<T[K]> }
      : T;

export type ObjectMeta = Wire<V1ObjectMeta>;

/** The fields of any object of the API. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

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
