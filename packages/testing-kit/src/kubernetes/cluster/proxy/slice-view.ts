import type { Clock } from '@scaler/scaler-types';
import { serviceNameLabel } from '../controllers/endpointslice-controller.ts';
import { keyOf } from '../controllers/controller.ts';
import type { Store } from '../../api/store/store.ts';
import type { WatchEvent } from '../../api/store/types.ts';
import { type Endpoint, type EndpointSlice, endpointSlices } from '../objects.ts';

/** The EndpointSlices as one proxy knows them, which may be later than they are. */
export interface SliceView {
  /** How much later, in milliseconds; a change applies to events from then on, which never overtake earlier ones. */
  lagMs: number;
  /** Stops taking changes; they wait, in order. */
  freeze(): void;
  /** Takes the changes that waited and are due, and goes on. */
  thaw(): void;
  /** `address:port` of every endpoint that gets new connections for that port of the Service. */
  backends(serviceKey: string, portName: string): string[];
  close(): void;
}

export function createSliceView(store: Store, clock: Clock, initialLagMs: number, onChange: () => void): SliceView {
  const slices = new Map<string, EndpointSlice>();
  /** The keys of the slices of each Service. */
  const byService = new Map<string, Set<string>>();
  const queue: { dueAt: number; event: WatchEvent<EndpointSlice> }[] = [];
  let frozen = false;
  let cancel: (() => void) | undefined;

  const take = ({ type, object: slice }: WatchEvent<EndpointSlice>): void => {
    const key = keyOf(slice);
    const before = slices.get(key);
    if (before) byService.get(serviceOf(before))?.delete(key);
    slices.delete(key);
    if (type === 'DELETED') return;
    slices.set(key, slice);
    const siblings = byService.get(serviceOf(slice)) ?? new Set();
    byService.set(serviceOf(slice), siblings.add(key));
  };

  const drain = (): void => {
    cancel?.();
    cancel = undefined;
    let changed = false;
    while (!frozen && queue[0] !== undefined && queue[0].dueAt <= clock.monotonic()) {
      take(queue.shift()!.event);
      changed = true;
    }
    if (changed) onChange();
    const next = queue[0];
    if (next !== undefined && !frozen) cancel = clock.after(next.dueAt - clock.monotonic(), drain);
  };

  const view: SliceView = {
    lagMs: initialLagMs,
    freeze: () => void (frozen = true),
    thaw() {
      frozen = false;
      drain();
    },
    backends(serviceKey, portName) {
      const keys = byService.get(serviceKey) ?? [];
      const endpoints = [...keys].flatMap((key) => listed(slices.get(key), portName));
      const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
      const leaving = endpoints.filter(
        ({ conditions }) => conditions?.serving !== false && conditions?.terminating === true,
      );
      const chosen = ready.length > 0 ? ready : leaving;
      return [...new Set(chosen.map(({ backend }) => backend))];
    },
    close() {
      unwatch();
      cancel?.();
      frozen = true;
    },
  };

  const unwatch = store.watch<EndpointSlice>(endpointSlices, (event) => {
    const dueAt = Math.max(clock.monotonic() + view.lagMs, queue.at(-1)?.dueAt ?? 0);
    queue.push({ dueAt, event });
    if (cancel === undefined || dueAt <= clock.monotonic()) drain();
  });
  return view;
}

function serviceOf({ metadata }: EndpointSlice): string {
  return `${metadata.namespace ?? ''}/${metadata.labels?.[serviceNameLabel] ?? ''}`;
}

function listed(slice: EndpointSlice | undefined, portName: string): (Endpoint & { backend: string })[] {
  if (slice?.addressType !== 'IPv4') return [];
  const port = (slice.ports ?? []).find(({ name = '', protocol = 'TCP' }) => name === portName && protocol === 'TCP');
  if (port?.port === undefined) return [];
  return (slice.endpoints ?? []).map((endpoint) => ({
    ...endpoint,
    backend: `${endpoint.addresses[0] ?? ''}:${port.port}`,
  }));
}
