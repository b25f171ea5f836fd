import { type Clock } from '@scaler/scaler-types';
import { FakeApiError } from '../errors.ts';
import { type Kind } from '../kinds.ts';
import { type KubeObject, type NewObject } from '../object.ts';
import { applyPatch } from '../patch/patch.ts';
import { type AllocateClusterIp } from './defaults.ts';
import { Ledger } from './ledger.ts';
import { listPage, parseVersion, selectorOf } from './listing.ts';
import { scaleOf, withScale } from './scale.ts';
import { type Store, type WriteOptions } from './types.ts';
import { Writer } from './writer.ts';

/** The parts of a store. */
export type StoreOptions = {
  clock: Clock;
  kinds: readonly Kind[];
  /** 0 ≤ x < 1; names and fault probabilities come from it. */
  random(): number;
  allocateClusterIp: AllocateClusterIp;
  /** How many writes watches and pages can go back. */
  historyWindow: number;
};

function reads(ledger: Ledger, must: Writer['must']): Pick<Store, 'get' | 'find' | 'list' | 'getScale' | 'watch'> {
  return {
    get: <T extends KubeObject>(gvr: string, namespace: string, name: string) =>
      must(ledger.kind(gvr), namespace, name) as T,
    find: <T extends KubeObject>(gvr: string, namespace: string, name: string) =>
      ledger.find(ledger.kind(gvr), namespace, name) as T | undefined,
    list: (gvr, options = {}) => listPage(ledger, ledger.kind(gvr), options),
    getScale: (gvr, namespace, name) => scaleOf(ledger.kind(gvr), must(ledger.kind(gvr), namespace, name)),
    watch(gvr, listener, options = {}) {
      const kind = ledger.kind(gvr);
      return ledger.watch(kind, selectorOf(kind, options), listener, parseVersion(options.resourceVersion));
    },
  };
}

function writes(
  ledger: Ledger,
  writer: Writer,
): Pick<Store, 'create' | 'update' | 'patch' | 'delete' | 'deleteCollection' | 'updateScale' | 'patchScale'> {
  const scale = (kind: Kind, old: KubeObject, given: NewObject, options: WriteOptions): KubeObject =>
    scaleOf(kind, writer.update(kind, withScale(kind, old, given), old, { by: 'scale' }, options));
  return {
    create: <T extends KubeObject>(gvr: string, object: NewObject, options: WriteOptions = {}) =>
      writer.create(ledger.kind(gvr), object, options) as T,
    update<T extends KubeObject>(
      gvr: string,
      object: NewObject,
      { subresource, ...options }: { subresource?: 'status' } & WriteOptions = {},
    ) {
      const kind = ledger.kind(gvr);
      const { namespace = '', name = '' } = object.metadata;
      const found = ledger.find(kind, namespace, name);
      if (found === undefined && kind.createOnUpdate === true && subresource === undefined)
        return writer.create(kind, object, options) as T;
      const way = { by: 'put', ...(subresource === undefined ? {} : { subresource }) } as const;
      return writer.update(kind, object, found ?? writer.must(kind, namespace, name), way, options) as T;
    },
    patch<T extends KubeObject>(
      gvr: string,
      ...[namespace, name, { type, body }, { subresource, ...options } = {}]: DropFirst<Parameters<Store['patch']>>
    ) {
      const kind = ledger.kind(gvr);
      const old = writer.must(kind, namespace, name);
      const way = { by: 'patch', ...(subresource === undefined ? {} : { subresource }) } as const;
      return writer.update(kind, patched(type, old, body), old, way, options) as T;
    },
    delete: (gvr, namespace, name, options = {}) =>
      writer.delete(ledger.kind(gvr), writer.must(ledger.kind(gvr), namespace, name), options),
    deleteCollection(gvr, selection = {}, options = {}) {
      const kind = ledger.kind(gvr);
      return ledger
        .all(kind)
        .filter(selectorOf(kind, selection))
        .map((object) => {
          writer.delete(kind, object, options);
          return object;
        });
    },
    updateScale: (gvr, namespace, name, given, options = {}) =>
      scale(ledger.kind(gvr), writer.must(ledger.kind(gvr), namespace, name), given, options),
    patchScale(gvr, namespace, name, { type, body }, options = {}) {
      const kind = ledger.kind(gvr);
      const old = writer.must(kind, namespace, name);
      return scale(kind, old, patched(type, scaleOf(kind, old), body), options);
    },
  };
}

type DropFirst<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

function patched(type: Parameters<typeof applyPatch>[0], old: KubeObject, body: unknown): NewObject {
  const result = applyPatch(type, old, body);
  const { name } = old.metadata;
  if (result.metadata?.name === name) return result;
  throw new FakeApiError(
    'BadRequest',
    `the name of the object (${result.metadata?.name ?? ''}) does not match the name on the URL (${name})`,
  );
}

/** Makes an empty store with the namespaces that every cluster has. */
export function createStore({ clock, kinds, random, allocateClusterIp, historyWindow }: StoreOptions): Store {
  const ledger = new Ledger(kinds, historyWindow);
  const writer = new Writer(ledger, { now: () => clock.now(), random, allocateClusterIp });
  const store: Store = {
    get resourceVersion() {
      return ledger.version;
    },
    get kinds() {
      return ledger.kinds;
    },
    register: (kind) => ledger.register(kind),
    ...reads(ledger, (kind, namespace, name) => writer.must(kind, namespace, name)),
    ...writes(ledger, writer),
    compact: (resourceVersion = ledger.version) => ledger.compact(resourceVersion),
  };
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
    store.create('v1/namespaces', { metadata: { name } });
  return store;
}
