import { createHash } from 'node:crypto';

/** Every key and value that scaler writes to, or reads from, Kubernetes objects. */
export const keys = {
  /** Label, the user's: `"true"` opts a workload in. */
  enabled: 'scaler/enabled',
  /** Label of a workload. With {@link keys.epoch} the compare-and-swap token. */
  phase: 'scaler/phase',
  /** Label of a workload and of our slices: a nonce, new at every transition. */
  epoch: 'scaler/epoch',
  /** Annotation of a workload: JSON detail of the last transition. */
  state: 'scaler/state',
  /** Label of our slices: the resource they divert. */
  resource: 'scaler/resource',
  /** Label of our slices: how many replicas the park found. */
  replicas: 'scaler/replicas',
  /** Key in a Service's selector that matches no pod. */
  asleep: 'scaler/asleep',
  /** Annotation of our slices: the resourceVersion of the Service at which its key may be added. */
  keyAt: 'scaler/key-at',
  /** Annotation of a Service that only moves its version, and is taken away again. */
  touched: 'scaler/touched',
  /** Prefix of every annotation and label of ours. */
  prefix: 'scaler/',
  /** Value of the label `endpointslice.kubernetes.io/managed-by` of our slices. */
  manager: 'scaler',
} as const;

/** `text`, or, where that is longer than `limit`, its beginning and 8 hex digits of its SHA-256. */
export function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let end = limit - 9;
  while (end > 0 && !/[A-Za-z0-9]/.test(text.charAt(end - 1))) end -= 1;
  return `${text.slice(0, end)}-${digest(text)}`;
}

/** The first 8 hex digits of the SHA-256 of `text`. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
