import { keyOf, type Member } from '../world/fleet.ts';
import type { World } from '../world/world.ts';
import type { Faults } from './api-faults.ts';
import { scale } from './perform.ts';
import type { Interleaving } from './step.ts';

const forMs = 30_000;

/** Longer than what is left of a park that has begun. */
const slowMs = 4_500;

/** When a write of a park is before the API, somebody else is a hair faster. */
export function interleave(world: World, faults: Faults, member: Member, what: Interleaving): void {
  const { namespace, name } = member;
  let done = false;
  const hook = async (request: { body: string; user: string }, phase: 'before' | 'after'): Promise<void> => {
    const isSlow = what === 'slow-request';
    if (done || phase === 'after' || !(isSlow ? begins(request.body) : stops(request.body))) return;
    done = true;
    if (isSlow) {
      world.timeline.clock.after(1_200, () => askSlowly(world, member));
      return;
    }
    world.counts.add(`interleaved ${what}`);
    if (what === 'scale') scale(world, member, (world.judge.log.tokens.get(keyOf(member))?.replicas ?? 1) + 1);
    if (what === 'opt-out') optOut(world, member);
    if (what === 'request') await ask(world, member);
  };
  const fault = { verb: 'patch', resource: 'deployments', userAgent: 'scaler-autoscaler', namespace, name } as const;
  faults.add('', { ...fault, action: { type: 'hook', hook } }, forMs);
}

function begins(body: string): boolean {
  return body.includes('"parking"') && !body.includes('"asleep"');
}

function askSlowly(world: World, member: Member): void {
  // Straight to a pod it may end with it, as in any scale-down.
  const { backends } = world.traffic;
  const dlx = world.alive('dlx').map(({ address }) => address);
  if (!backends(member, 0).every((place) => dlx.some((address) => place.startsWith(`${address}:`)))) return;
  world.counts.add('interleaved slow-request');
  world.traffic.send(member, 0, slowMs);
}

function stops(body: string): boolean {
  return body.includes('"asleep"') && body.includes('/spec/replicas');
}

function optOut(world: World, { namespace, name }: Member): void {
  const body = { metadata: { labels: { 'scaler/enabled': 'false' } } };
  world.cluster.api.store.patch('apps/v1/deployments', namespace, name, { type: 'merge', body });
  world.timeline.clock.after(4_000, () => {
    const back = { metadata: { labels: { 'scaler/enabled': 'true' } } };
    world.cluster.api.store.patch('apps/v1/deployments', namespace, name, { type: 'merge', body: back });
  });
}

/** Its wake, if it makes one, is to be done first. */
async function ask(world: World, member: Member): Promise<void> {
  world.traffic.send(member, 0);
  await world.timeline.clock.sleep(200);
}
