import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiRequest, AuditEntry, FakeApi, KubeObject } from '@scaler/testing-kit/kubernetes';
import type { EmbeddedSystem } from '@scaler/demo';
import type { Workload, WriteKind } from './workload.ts';

const routing = ['slice', 'key'];

/** Updates the workloads of one namespace from their objects, and writes their journals, until the system ends. */
export function follow({ api }: EmbeddedSystem, namespace: string, all: readonly Workload[]): void {
  const workloads = new Map(all.map((workload) => [workload.name, workload]));
  const watch = (gvr: string, nameOf: (object: KubeObject) => string, take: Take): unknown =>
    api.store.watch(
      gvr,
      (event) => {
        const workload = workloads.get(nameOf(event.object));
        if (workload === undefined) return;
        take(workload, event.object, event.type === 'DELETED');
        workload.changed();
      },
      { namespace },
    );
  const label = (name: string) => (object: KubeObject) => object.metadata.labels?.[name] ?? '';
  watch('apps/v1/deployments', ({ metadata }) => metadata.name ?? '', takeDeployment);
  watch('v1/services', ({ metadata }) => metadata.name ?? '', takeService);
  watch('discovery.k8s.io/v1/endpointslices', label('kubernetes.io/service-name'), takeSlice);
  watch('v1/pods', label('app'), takePod);
  watchWrites(api, namespace, (write, moment) => onWrite(workloads.get(write.workload), write, moment));
  api.audit.onEntry((entry) => noteAnswer(workloads, namespace, entry));
}

type Take = (workload: Workload, object: KubeObject, deleted: boolean) => void;

async function onWrite(workload: Workload | undefined, write: Write, moment: WriteMoment): Promise<void> {
  if (workload === undefined) return;
  const { kind, by, object } = write;
  workload.journal.note(`${by}: ${kind} write of ${object} ${moment}`);
  if (moment === 'done' && routing.includes(kind)) workload.routedAtMs = performance.now();
  if (moment === 'arrived' && kind === 'asleep') workload.zeroAtMs = performance.now();
  const holdMs = workload.reach(`${kind}:${moment}`);
  if (holdMs > 0) await sleep(holdMs);
}

function noteAnswer(workloads: ReadonlyMap<string, Workload>, namespace: string, entry: AuditEntry): void {
  if (entry.namespace !== namespace || !entry.userAgent.startsWith('scaler-') || entry.verb === 'watch') return;
  if (entry.gvr === 'v1/events' || entry.gvr.startsWith('custom.metrics')) return;
  const name = entry.name.replace(/-scaler-ipv4$/, '');
  workloads
    .get(name)
    ?.journal.note(`${entry.userAgent}: ${entry.verb} ${entry.gvr}/${entry.name} answered ${entry.status}`);
}

function takeDeployment(workload: Workload, object: KubeObject): void {
  const phase = object.metadata.labels?.['scaler/phase'] ?? '';
  const { replicas = 1 } = (object as { spec?: { replicas?: number } }).spec ?? {};
  if (phase === workload.phase && replicas === workload.replicas) return;
  if (phase !== workload.phase) workload.phaseAtMs = performance.now();
  if (phase === 'parking' && workload.phase !== 'parking') workload.parks += 1;
  if (phase === 'asleep' && workload.phase !== 'asleep') workload.sleeps += 1;
  workload.phase = phase;
  workload.replicas = replicas;
  workload.journal.note(`Deployment: phase ${phase || 'none'}, replicas ${replicas}`);
}

function takeService(workload: Workload, object: KubeObject): void {
  const key = (object as { spec?: { selector?: Record<string, string> } }).spec?.selector?.['scaler/asleep'];
  if (key === workload.key) return;
  workload.key = key;
  workload.journal.note(`Service: key ${key ?? 'gone'}`);
}

type Endpoint = { addresses?: string[]; conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean } };

function takeSlice(workload: Workload, object: KubeObject, deleted: boolean): void {
  const { name = '', labels } = object.metadata;
  const ours = labels?.['endpointslice.kubernetes.io/managed-by'] === 'scaler';
  if (ours && deleted) workload.slices.delete(name);
  else if (ours) workload.slices.add(name);
  const endpoints = (object as { endpoints?: Endpoint[] }).endpoints ?? [];
  const texts = endpoints.map(({ addresses, conditions }) => {
    const { ready, terminating } = conditions ?? {};
    return `${addresses?.join() ?? ''}${ready === false ? ' not ready' : ''}${terminating === true ? ' terminating' : ''}`;
  });
  workload.journal.note(`EndpointSlice ${name}: ${deleted ? 'deleted' : texts.join(', ') || 'empty'}`);
}

interface PodStatus {
  podIP?: string;
  conditions?: { type: string; status: string }[];
}

function takePod(workload: Workload, object: KubeObject, deleted: boolean): void {
  const { name = '', deletionTimestamp } = object.metadata;
  const { podIP, conditions = [] } = (object as { status?: PodStatus }).status ?? {};
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const ready = !deleted && deletionTimestamp === undefined && isReady;
  if (ready && !workload.readyPods.has(name)) workload.readyAtMs = performance.now();
  if (ready) workload.readyPods.add(name);
  else workload.readyPods.delete(name);
  const state = deleted ? 'gone' : deletionTimestamp !== undefined ? 'terminating' : isReady ? 'Ready' : 'not Ready';
  workload.journal.note(`Pod ${name} (${podIP ?? 'no address'}): ${state}`);
}

/** A write of one of the apps to an object of a workload. */
export interface Write {
  readonly by: 'autoscaler' | 'dlx';
  readonly kind: WriteKind;
  /** The workload's name; its Service has the same one. */
  readonly workload: string;
  readonly verb: string;
  /** `deployments/shop-1`. */
  readonly object: string;
  /** The process that swaps a phase; undefined for routing. */
  readonly author: string | undefined;
}

export type WriteMoment = 'arrived' | 'done';

interface Operation {
  op: string;
  path: string;
  value?: unknown;
}

const phaseOf = (operations: readonly Operation[]): unknown =>
  operations.find(({ op, path }) => op !== 'test' && path === '/metadata/labels/scaler~1phase')?.value;

function kindOf({ verb, resource, body }: ApiRequest): WriteKind | undefined {
  if (resource === 'endpointslices') return verb === 'delete' ? 'unslice' : 'slice';
  if (verb !== 'patch') return undefined;
  const operations = JSON.parse(body) as Operation[];
  if (resource === 'services') return operations.some(({ op }) => op === 'remove') ? 'unkey' : 'key';
  if (resource !== 'deployments') return undefined;
  return (phaseOf(operations) as WriteKind | undefined) ?? 'ports';
}

function nameOf({ name, body }: ApiRequest): string {
  return name !== '' ? name : ((JSON.parse(body) as { metadata: { name: string } }).metadata.name ?? '');
}

function writeOf(request: ApiRequest): Write | undefined {
  const kind = kindOf(request);
  if (kind === undefined) return undefined;
  const name = nameOf(request);
  return {
    by: request.userAgent.includes('dlx') ? 'dlx' : 'autoscaler',
    kind,
    workload: name.replace(/-scaler-ipv4$/, ''),
    verb: request.verb,
    object: `${request.resource}/${name}`,
    author: /\\"by\\":\\"(?:dlx|autoscaler)[ /]([a-z0-9-]+)/.exec(request.body)?.[1],
  };
}

/**
 * Reports each write when it reaches the API, and when it is done and its answer not yet sent; a promise holds it up.
 * Events and Leases are left out: they do not change the state of a workload.
 */
export function watchWrites(
  { faults }: FakeApi,
  namespace: string,
  listener: (write: Write, moment: WriteMoment) => void | Promise<void>,
): () => void {
  const hook = (request: ApiRequest, phase: 'before' | 'after'): void | Promise<void> => {
    const write = writeOf(request);
    if (write !== undefined) return listener(write, phase === 'before' ? 'arrived' : 'done');
  };
  const fault = faults.add({
    verb: ['create', 'update', 'patch', 'delete'],
    namespace,
    userAgent: /^scaler-/,
    action: { type: 'hook', hook },
  });
  return () => fault.remove();
}
