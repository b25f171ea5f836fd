import type { AuditEntry, KubeObject } from '@scaler/testing-kit/kubernetes';
import { keyOf, workloadGvrs } from '../world/fleet.ts';
import type { Scene } from './scene.ts';
import { createIntentHistory } from './intent-history.ts';
import { type OwnerIntent, ownerIntentOf } from './owner-intent.ts';

/** The fields of a workload that the invariants look at, at one time. */
export interface Token {
  readonly phase: string | undefined;
  readonly epoch: string | undefined;
  readonly replicas: number;
  readonly enabled: boolean;
  readonly uid: string;
  readonly intent: OwnerIntent;
}

/** One change of a workload. */
export interface Change {
  readonly gvr: string;
  readonly key: string;
  readonly before: Token | undefined;
  readonly after: Token | undefined;
}

export type ChangeLog = ReturnType<typeof createChangeLog>;

/** A change of our key in a Service's selector. */
export interface KeyChange {
  readonly service: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Hear of each change that a request of ours made, right when it is done. */
export interface Watchers {
  onWorkload(change: Change, entry: AuditEntry): void;
  onKey(change: KeyChange, entry: AuditEntry): void;
  onWrite(entry: AuditEntry, change: Change | undefined): void;
}

/** Ties each change in the store to the request in the audit that made it, by the resource version. */
export function createChangeLog({ store, audit, timeline }: Scene, watchers: Watchers) {
  const tokens = new Map<string, Token>();
  const intent = createIntentHistory(timeline);
  const changes = new Map<number, Change>();
  const keys = new Map<string, string | undefined>();
  const keyChanges = new Map<number, KeyChange>();
  const ends = [
    ...workloadGvrs.map((gvr) =>
      store.watch(gvr, ({ type, object, resourceVersion }) => {
        const key = keyOf(named(object));
        const before = tokens.get(key);
        const after = type === 'DELETED' ? undefined : tokenOf(object);
        if (after === undefined) tokens.delete(key);
        else tokens.set(key, after);
        intent.changed(key, after?.intent);
        changes.set(resourceVersion, { gvr, key, before, after });
        if (changes.size > 500) for (const version of [...changes.keys()].slice(0, 250)) changes.delete(version);
      }),
    ),
    store.watch('v1/services', ({ type, object, resourceVersion }) => {
      const service = keyOf(named(object));
      const before = keys.get(service);
      const after = type === 'DELETED' ? undefined : selectorKey(object);
      keys.set(service, after);
      if (before !== after) keyChanges.set(resourceVersion, { service, before, after });
    }),
    audit.onEntry((entry) => {
      if (!isWrite(entry) || entry.status < 200 || entry.status > 299) return;
      const change = changes.get(entry.resourceVersionAfter);
      watchers.onWrite(entry, change);
      if (change !== undefined && entry.gvr === change.gvr && change.key === keyOf(entry)) {
        changes.delete(entry.resourceVersionAfter);
        watchers.onWorkload(change, entry);
      }
      const keyChange = keyChanges.get(entry.resourceVersionAfter);
      if (keyChange !== undefined && entry.gvr === 'v1/services' && keyChange.service === keyOf(entry)) {
        keyChanges.delete(entry.resourceVersionAfter);
        watchers.onKey(keyChange, entry);
      }
    }),
  ];
  return {
    tokens: tokens as ReadonlyMap<string, Token>,
    intent,
    close: (): void => ends.forEach((end) => end()),
  };
}

export function isWrite({ verb }: Pick<AuditEntry, 'verb'>): boolean {
  return verb === 'create' || verb === 'update' || verb === 'patch' || verb === 'delete';
}

function named({ metadata }: KubeObject): { namespace: string; name: string } {
  return { namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
}

export function tokenOf(object: KubeObject): Token {
  const { metadata, spec } = object as KubeObject & { spec?: { replicas?: number } };
  const labels = metadata.labels ?? {};
  return {
    phase: labels['scaler/phase'],
    epoch: labels['scaler/epoch'],
    replicas: spec?.replicas ?? 1,
    enabled: labels['scaler/enabled'] === 'true',
    uid: metadata.uid ?? '',
    intent: ownerIntentOf(object),
  };
}

export function selectorKey(object: KubeObject): string | undefined {
  const { spec } = object as KubeObject & { spec?: { selector?: Record<string, string> } };
  return spec?.selector?.['scaler/asleep'];
}
