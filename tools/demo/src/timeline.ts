import type { EmbeddedCluster, KubeObject } from '@scaler/testing-kit/kubernetes';

/** One change of the workload. */
export interface Moment {
  atMs: number;
  what: string;
  text: string;
}

/** The changes of one workload, as the API reports them. */
export interface Timeline {
  readonly moments: readonly Moment[];
  /** The first moment of that kind from `sinceMs` on. */
  first(what: string, sinceMs: number): Moment | undefined;
  close(): void;
}

interface Seen {
  phase?: string;
  key?: string;
  slices: Set<string>;
  ready: Set<string>;
}

type Note = (what: string, text: string) => void;

function noteDeployment(object: KubeObject, seen: Seen, note: Note): void {
  const phase = object.metadata.labels?.['scaler/phase'] ?? '';
  if (phase === (seen.phase ?? '')) return;
  seen.phase = phase;
  const { replicas } = (object as { spec?: { replicas?: number } }).spec ?? {};
  note(phase, `${phase}, ${replicas} replica${replicas === 1 ? '' : 's'}`);
}

function noteService(object: KubeObject, seen: Seen, note: Note): void {
  const key = (object as { spec?: { selector?: Record<string, string> } }).spec?.selector?.['scaler/asleep'] ?? '';
  if (key === (seen.key ?? '')) return;
  seen.key = key;
  if (key) note('diverted', `Service diverted: its selector has scaler/asleep=${key}`);
  else note('restored', 'Service restored: the key is gone from its selector');
}

function noteSlice(object: KubeObject, deleted: boolean, seen: Seen, note: Note): void {
  if (object.metadata.labels?.['endpointslice.kubernetes.io/managed-by'] !== 'scaler') return;
  const { name = '' } = object.metadata;
  if (deleted) {
    seen.slices.delete(name);
    return note('slice-deleted', `EndpointSlice ${name} deleted`);
  }
  if (seen.slices.has(name)) return;
  seen.slices.add(name);
  const slice = object as { endpoints?: { addresses: string[] }[]; ports?: { port?: number }[] };
  const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses).join(', ');
  note('slice', `EndpointSlice ${name} → DLX at ${addresses}, port ${slice.ports?.[0]?.port}`);
}

function notePod(object: KubeObject, seen: Seen, note: Note): void {
  const { name = '', deletionTimestamp } = object.metadata;
  const conditions =
    (object as { status?: { conditions?: { type: string; status: string }[] } }).status?.conditions ?? [];
  const ready = !deletionTimestamp && conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  if (ready === seen.ready.has(name)) return;
  if (!ready) return void seen.ready.delete(name);
  seen.ready.add(name);
  note('ready', `pod ${name} is Ready`);
}

/** Follows a Deployment, the Service of its name, and their pods. */
export function followWorkload({ api }: EmbeddedCluster, namespace: string, name: string): Timeline {
  const moments: Moment[] = [];
  const seen: Seen = { slices: new Set(), ready: new Set() };
  const note: Note = (what, text) => void moments.push({ atMs: performance.now(), what, text });
  const { store } = api;
  const labelled = ({ metadata }: KubeObject, label: string): boolean => metadata.labels?.[label] === name;
  const follow = (gvr: string, look: (object: KubeObject, deleted: boolean) => unknown): (() => void) =>
    store.watch(gvr, ({ type, object }) => look(object, type === 'DELETED'), { namespace });
  const ends = [
    follow('apps/v1/deployments', (one) => one.metadata.name === name && noteDeployment(one, seen, note)),
    follow('v1/services', (one) => one.metadata.name === name && noteService(one, seen, note)),
    follow('discovery.k8s.io/v1/endpointslices', (slice, deleted) => {
      if (labelled(slice, 'kubernetes.io/service-name')) noteSlice(slice, deleted, seen, note);
    }),
    follow('v1/pods', (pod) => labelled(pod, 'app') && notePod(pod, seen, note)),
  ];
  return {
    moments,
    first: (what, sinceMs) => moments.find((moment) => moment.what === what && moment.atMs >= sinceMs),
    close: () => ends.forEach((end) => end()),
  };
}
