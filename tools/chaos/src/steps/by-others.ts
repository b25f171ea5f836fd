import { gvrOf, keyOf, type Member } from '../world/fleet.ts';
import { systemNamespace } from '../world/programs.ts';
import type { World } from '../world/world.ts';

/** Another client writes to an object, if the object exists. */
export function patch({ cluster }: World, gvr: string, namespace: string, name: string, body: object): void {
  if (cluster.api.store.find(gvr, namespace, name) === undefined) return;
  cluster.api.store.patch(gvr, namespace, name, { type: 'merge', body }, { manager: 'another-client' });
}

export function patchWorkload(world: World, member: Member, body: object): void {
  patch(world, gvrOf(member), member.namespace, member.name, body);
}

export function scaleDlx(world: World, replicas: number): void {
  patch(world, gvrOf({ kind: 'Deployment' }), systemNamespace, 'dlx', { spec: { replicas } });
}

/**
 * Another client sets the replicas. Fewer pods without a preStop pause lose connections whichever client scales, so
 * that is left out.
 */
export function scale(world: World, member: Member, replicas: number): boolean {
  const now = world.judge.log.tokens.get(keyOf(member))?.replicas ?? 0;
  if (replicas < now && member.preStopSeconds === 0) return false;
  world.counts.add('scaled by others');
  if (replicas === 0 && now > 0) world.byOthers(member);
  patchWorkload(world, member, { spec: { replicas } });
  return true;
}
