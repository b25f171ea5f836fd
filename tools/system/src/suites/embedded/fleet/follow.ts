import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry, KubeObject } from '@scaler/testing-kit/kubernetes';
import type { EmbeddedSystem } from '@scaler/demo';
import type { Workload } from './workload.ts';
import { watchWrites, type Write, type WriteMoment } from './writes.ts';

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
