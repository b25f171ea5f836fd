import { keyOf, type Member, plurals } from '../world/fleet.ts';
import type { World } from '../world/world.ts';
import type { Faults } from './api-faults.ts';
import { patchWorkload, scale } from './by-others.ts';
import type { Interleaving } from './step.ts';
import { wish } from './wish.ts';

const forMs = 30_000;

const wishMs = 5_000;

/** Longer than what is left of a park that has begun. */
const slowMs = 4_500;

/** When a write of a park is before the API, somebody else is a hair faster. */
export function interleave(world: World, faults: Faults, member: Member, what: Interleaving): void {
  const { kind, namespace, name } = member;
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
    if (what === 'pause') wish(world, member, { wish: 'awake', forMs: wishMs });
    if (what === 'busy') wish(world, member, { wish: 'busy', forMs: wishMs });
    if (what === 'request') await ask(world, member);
  };
  const fault = { verb: 'patch', resource: plurals[kind], userAgent: 'scaler-autoscaler', namespace, name } as const;
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

function optOut(world: World, member: Member): void {
  const labels = (enabled: string): object => ({ metadata: { labels: { 'scaler/enabled': enabled } } });
  patchWorkload(world, member, labels('false'));
  world.timeline.clock.after(4_000, () => patchWorkload(world, member, labels('true')));
}

/** Its wake, if it makes one, is to be done first. */
async function ask(world: World, member: Member): Promise<void> {
  world.traffic.send(member, 0);
  await world.timeline.clock.sleep(200);
}
