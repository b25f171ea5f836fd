import type { KubeObject } from '@scaler/testing-kit/kubernetes';
import { gvrOf, keyOf, type Member } from '../world/fleet.ts';
import type { Scene } from './scene.ts';
import { isLeftAlone } from './owner-intent.ts';
import { selectorKey, tokenOf } from './workload-log.ts';

/** The reason why a resource has not converged; undefined: it has, or is not ours to converge. */
export function notConvergedReason(scene: Scene, member: Member): string | undefined {
  const { store } = scene;
  const { namespace, name, routing } = member;
  const object = store.find(gvrOf(member), namespace, name);
  const service = store.find('v1/services', namespace, name);
  if (object === undefined) return undefined;
  const { phase, epoch, replicas, enabled, intent } = tokenOf(object);
  const key = service && selectorKey(service);
  const addresses = ownSlices(scene, member);
  const diverted = addresses !== undefined;
  const touched = service?.metadata.annotations?.['scaler/touched'] !== undefined;
  const traces = `${key === undefined ? 'no key' : `key ${key}`}, ${diverted ? `slices with ${addresses.join(', ') || 'no address'}` : 'no slices'}${touched ? ', touched' : ''}`;
  if (!enabled) {
    const ports = Object.keys(object.metadata.labels ?? {}).filter((label) => label.startsWith('scaler/port-'));
    const left = [phase, epoch, key, ...ports].some((one) => one !== undefined) || diverted || touched;
    return left ? `it is opted out, and has phase ${phase ?? 'none'}, ${traces}, ${ports.length} ports` : undefined;
  }
  if (service === undefined) return diverted ? 'it has no Service, and slices' : undefined;
  if (phase === 'parking' || phase === 'waking') return `it is still ${phase}`;
  // A resource in a dry run is not touched, and one that is left alone stays as other clients set it.
  if (intent.dryRun || (isLeftAlone(intent) && phase === 'awake' && replicas === 0)) return undefined;
  if (phase === undefined || epoch === undefined) return 'its phase is unknown';
  if (intent.pause === 'awake' && intent.pauseUntilMs === Infinity && phase === 'asleep')
    return 'it is asleep although it is paused awake';
  if (phase === 'asleep' && replicas > 0) return `it is asleep with ${replicas} replicas`;
  if (phase === 'awake' && scene.givesWay(member)) return undefined;
  if (phase === 'awake' && replicas === 0) return 'it is awake with no replicas';
  const toBeDiverted = phase === 'asleep' || routing === 'always';
  if (!toBeDiverted) return diverted || key !== undefined || touched ? `it is awake, with ${traces}` : undefined;
  if (!diverted || [...addresses].sort().join() !== [...scene.health.dlx].sort().join())
    return `it is ${phase} (${routing}) with ${traces}, and the DLX is at ${scene.health.dlx.join(', ')}`;
  if ((routing === 'overlay') !== (key === undefined)) return `it is ${phase} (${routing}) with ${traces}`;
  return undefined;
}

/** The addresses in our slices of the member's Service; undefined where there is no slice. */
function ownSlices({ store }: Scene, { namespace, name }: Member): readonly string[] | undefined {
  const slices = store
    .list('discovery.k8s.io/v1/endpointslices', { namespace })
    .items.filter(
      ({ metadata: { labels = {} } }) =>
        labels['endpointslice.kubernetes.io/managed-by'] === 'scaler' && labels['kubernetes.io/service-name'] === name,
    ) as (KubeObject & { endpoints?: { addresses: string[] }[] })[];
  if (slices.length === 0) return undefined;
  return slices.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses }) => addresses));
}

/** Reports a resource that has not converged for too long with nothing in the way. */
export function createConvergenceWatch(scene: Scene, patienceMs: number) {
  const standing = new Map<string, { readonly text: string; readonly sinceMs: number }>();
  return (member: Member): string | undefined => {
    const key = keyOf(member);
    const text = notConvergedReason(scene, member);
    const { ms } = scene.timeline;
    if (text === undefined) {
      standing.delete(key);
      return undefined;
    }
    const before = standing.get(key);
    if (before?.text !== text) standing.set(key, { text, sinceMs: ms });
    const sinceMs = Math.max(
      standing.get(key)?.sinceMs ?? ms,
      scene.health.disturbedMs,
      scene.othersMs(member),
      scene.health.withoutDlxMs,
    );
    return ms - sinceMs > patienceMs ? `${key}: ${text}, for ${Math.round(ms - sinceMs)} ms` : undefined;
  };
}
