/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [field: string]: Json };

/** A JSON object. */
export type JsonObject = { [field: string]: Json };

/** `metadata.ownerReferences[]`. */
export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

/** `metadata.managedFields[]`. */
export type ManagedFields = {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: JsonObject;
  subresource?: string;
};

/** `metadata` as the server keeps it. Timestamps are RFC 3339 with whole seconds, as the real server writes them. */
export type ObjectMeta = {
  name: string;
  namespace?: string;
  generateName?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: readonly ManagedFields[];
};

/** The fields that every object has. */
export interface AnyObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/**
 * An object of the store. It is deeply frozen and shared by everyone who reads it: `structuredClone` it before a change.
 * The fields beside `metadata` are plain JSON; give the shape you expect as a type argument where you read them.
 */
export interface KubeObject extends AnyObject {
  spec?: JsonObject;
  status?: JsonObject;
}

/** The object of a writer: the server fills in the rest of `metadata`, `kind` and `apiVersion`. */
export type NewObject = {
  apiVersion?: string;
  kind?: string;
  metadata: Partial<ObjectMeta>;
  [field: string]: unknown;
};

/** Freezes a JSON value to its leaves. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/** A JSON object that is not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON objects of a list; none of what is no list. */
export function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/**
 * A deep copy as JSON would make it: `undefined` is gone, so that what is kept is what a client would see. Not
 * `structuredClone`: under Jest its objects are of another realm, and so deeply equal to nothing of this one.
 */
export function jsonCopy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Milliseconds since the epoch, as `metadata.creationTimestamp` writes them. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
