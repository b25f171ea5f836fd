import { keyOf, type Member, plurals } from '../world/fleet.ts';
import type { World } from '../world/world.ts';
import type { Faults } from './api-faults.ts';
import { patchWorkload, scale } from './by-others.ts';
import type { Interleaving } from './step.ts';
import { declareIntent } from './declare-intent.ts';

const forMs = 30_000;

const intentMs = 5_000;

/** Longer than the rest of a park that has begun. */
const slowMs = 4_500;

/** When a write of a park arrives at the API, another client acts just before it. */
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
    if (what === 'pause') declareIntent(world, member, { intent: 'awake', forMs: intentMs });
    if (what === 'busy') declareIntent(world, member, { intent: 'busy', forMs: intentMs });
    if (what === 'request') await ask(world, member);
  };
  const fault = { verb: 'patch', resource: plurals[kind], userAgent: 'scaler-autoscaler', namespace, name } as const;
  faults.add('', { ...fault, action: { type: 'hook', hook } }, forMs);
}

function begins(body: string): boolean {
  return body.includes('"parking"') && !body.includes('"asleep"');
}

function askSlowly(world: World, member: Member): void {
  // A request that goes straight to a pod may end with the pod, as in any scale-down.
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

/** If the request starts a wake, the wake is to be done first. */
async function ask(world: World, member: Member): Promise<void> {
  world.traffic.send(member, 0);
  await world.timeline.clock.sleep(200);
}
