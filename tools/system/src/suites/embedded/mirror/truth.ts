import { sliceLabels } from '@scaler/kube';
import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';
import { keys } from '@scaler/workload-scaler';

/** How the sleepers' slices followed the DLX's addresses since the last `begin`. */
export interface Followed {
  /** The longest time for which a slice named other addresses than the ready ones; milliseconds. */
  readonly longestUntrueMs: number;
  /** From the last change of the DLX's addresses until the last slice had it. */
  readonly lastTrueMs: number;
  /** The most writes of one slice. */
  readonly mostWrites: number;
  readonly writes: number;
  /** Changes of the set of ready DLX addresses. */
  readonly changes: number;
}

/** Compares each slice of ours with the ready addresses of the DLX, from its creation on. */
export interface Truth {
  /** The ready addresses, by the DLX's own slices. */
  ready(): readonly string[];
  begin(): void;
  /** Every slice names exactly the ready addresses. */
  isTrue(): boolean;
  /** The number of slices that name an address. */
  naming(address: string): number;
  followed(): Followed;
}

interface Slice {
  readonly metadata: { readonly namespace?: string; readonly name?: string; readonly labels?: Record<string, string> };
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions?: { readonly ready?: boolean };
      }[]
    | null;
}

interface Seen {
  names: string;
  /** Undefined: the slice is true. */
  untrueSinceMs: number | undefined;
  writes: number;
}

const noAddress = '';

export function followTruth({ api: { store } }: EmbeddedSystem): Truth {
  const slices = new Map<string, Seen>();
  /** Until when a set of addresses was the true one. */
  const validUntilMs = new Map<string, number>();
  const dlxSlices = new Map<string, readonly string[]>();
  let ready = noAddress;
  let untrue = 0;
  let [longestUntrueMs, lastChangeMs, lastTrueMs, changes] = [0, 0, 0, 0];

  const setUntrue = (seen: Seen, sinceMs: number | undefined): void => {
    const nowMs = performance.now();
    if (seen.untrueSinceMs !== undefined) longestUntrueMs = Math.max(longestUntrueMs, nowMs - seen.untrueSinceMs);
    untrue += Number(sinceMs !== undefined) - Number(seen.untrueSinceMs !== undefined);
    seen.untrueSinceMs = sinceMs;
    if (untrue === 0) lastTrueMs = nowMs;
  };
  const onDlx = (name: string, addresses: readonly string[]): void => {
    dlxSlices.set(name, addresses);
    const now = setOf([...dlxSlices.values()].flat());
    if (now === ready) return;
    const nowMs = performance.now();
    validUntilMs.set(ready, nowMs);
    ready = now;
    lastChangeMs = nowMs;
    changes += 1;
    for (const seen of slices.values()) {
      if (seen.names === ready) setUntrue(seen, undefined);
      else if (seen.untrueSinceMs === undefined) setUntrue(seen, nowMs);
    }
  };
  const onOurs = (key: string, names: string): void => {
    const seen = slices.get(key) ?? { names, untrueSinceMs: undefined, writes: -1 };
    slices.set(key, seen);
    seen.names = names;
    seen.writes += 1;
    if (names === ready) setUntrue(seen, undefined);
    // A set of addresses that never was true does not change since when the slice is untrue.
    else setUntrue(seen, validUntilMs.get(names) ?? seen.untrueSinceMs ?? performance.now());
  };
  const look = (object: Slice, isGone: boolean): void => {
    const { namespace = '', name = '', labels = {} } = object.metadata;
    const listed = (object.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    const all = listed.flatMap(({ addresses }) => addresses);
    if (labels[sliceLabels.managedBy] === keys.manager) {
      if (!isGone) onOurs(`${namespace}/${name}`, setOf(all));
    } else if (namespace === systemNamespace && labels[sliceLabels.serviceName] === 'dlx') {
      onDlx(name, isGone ? [] : all);
    }
  };
  store.watch('discovery.k8s.io/v1/endpointslices', ({ type, object }) =>
    look(object as unknown as Slice, type === 'DELETED'),
  );

  return {
    ready: () => ready.split(' ').filter((address) => address !== ''),
    begin: () => {
      for (const seen of slices.values()) seen.writes = 0;
      [longestUntrueMs, lastTrueMs, changes] = [0, performance.now(), 0];
      lastChangeMs = performance.now();
    },
    isTrue: () => untrue === 0,
    naming: (address) => [...slices.values()].filter(({ names }) => names.split(' ').includes(address)).length,
    followed: () => {
      const writes = [...slices.values()].map((seen) => seen.writes);
      return {
        ...{ longestUntrueMs, changes },
        lastTrueMs: untrue === 0 ? Math.max(0, lastTrueMs - lastChangeMs) : Number.NaN,
        mostWrites: Math.max(0, ...writes),
        writes: writes.reduce((sum, count) => sum + count, 0),
      };
    },
  };
}

function setOf(addresses: readonly string[]): string {
  return [...new Set(addresses)].sort().join(' ');
}
