import { request } from 'node:http';
import { keyOf, type Member } from '../world/fleet.ts';
import type { World } from '../world/world.ts';
import { patchWorkload } from './by-others.ts';
import type { Step, Wish } from './step.ts';

const adminPort = 8082;
const leaseMs = 20_000;

/** Annotations that take every wish back. */
export const noWishes = { 'scaler/pause': null, 'scaler/busy-until': null, 'scaler/dry-run': null } as const;

/** An owner says what they want of a workload. */
export function wish(
  world: World,
  member: Member,
  { wish, forMs }: Pick<Step & { do: 'wish' }, 'wish' | 'forMs'>,
): void {
  world.counts.add(`wish ${wish}`);
  if (wish === 'busy-put') takeLease(world, member, forMs ?? leaseMs);
  else patchWorkload(world, member, { metadata: { annotations: annotationsOf(world, wish, forMs) } });
}

function annotationsOf({ timeline }: World, wish: Exclude<Wish, 'busy-put'>, forMs: number | undefined): object {
  const end = (ms: number): string => new Date(timeline.clock.now() + ms).toISOString();
  if (wish === 'none') return noWishes;
  if (wish === 'dry-run') return { 'scaler/dry-run': 'true' };
  if (wish === 'busy') return { 'scaler/busy-until': end(forMs ?? leaseMs) };
  return { 'scaler/pause': forMs === undefined ? wish : `${wish} until ${end(forMs)}` };
}

/** Of any replica; nobody waits for the answer here, which may need time to pass. */
function takeLease({ alive, counts, random, activity }: World, member: Member, forMs: number): void {
  const replicas = alive('autoscaler');
  if (replicas.length === 0) return;
  const { address: host } = random.pick(replicas);
  const path = `/busy/${keyOf(member)}?ttl=${Math.ceil(forMs / 1_000)}s`;
  const asked = request({ host, port: adminPort, method: 'PUT', path, agent: false });
  asked.on('response', (response) => {
    activity.note();
    counts.add(response.statusCode === 200 ? 'busy leases taken' : `busy leases refused: ${response.statusCode}`);
    response.resume();
  });
  // Killed, or not there yet: there is no lease then.
  asked.on('error', () => activity.note());
  asked.end();
}
