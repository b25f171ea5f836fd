import { request } from 'node:http';
import { keyOf, type Member } from '../world/fleet.ts';
import type { World } from '../world/world.ts';
import { patchWorkload } from './by-others.ts';
import type { Intent, Step } from './step.ts';

const adminPort = 8082;
const leaseMs = 20_000;

/** Annotations that take every intent back. */
export const noIntent = { 'scaler/pause': null, 'scaler/busy-until': null, 'scaler/dry-run': null } as const;

/** An owner declares an intent for a workload. */
export function declareIntent(
  world: World,
  member: Member,
  { intent, forMs }: Pick<Step & { do: 'intent' }, 'intent' | 'forMs'>,
): void {
  world.counts.add(`intent ${intent}`);
  if (intent === 'busy-put') takeLease(world, member, forMs ?? leaseMs);
  else patchWorkload(world, member, { metadata: { annotations: annotationsOf(world, intent, forMs) } });
}

function annotationsOf({ timeline }: World, intent: Exclude<Intent, 'busy-put'>, forMs: number | undefined): object {
  const end = (ms: number): string => new Date(timeline.clock.now() + ms).toISOString();
  if (intent === 'none') return noIntent;
  if (intent === 'dry-run') return { 'scaler/dry-run': 'true' };
  if (intent === 'busy') return { 'scaler/busy-until': end(forMs ?? leaseMs) };
  return { 'scaler/pause': forMs === undefined ? intent : `${intent} until ${end(forMs)}` };
}

/** Asks any replica. The answer may need time to pass, so the step does not wait for it. */
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
  // The replica was killed, or does not listen yet: there is no lease then.
  asked.on('error', () => activity.note());
  asked.end();
}
