import { pauseText, type Resource, type ResourceRef } from '@scaler/scaler-types';
import { judge, type Verdict } from './judge.ts';
import type { Samples } from '../collect/sample.ts';
import { type WantSettings, wantsOf } from '../collect/want.ts';
import { keyOf } from '../observe/key-of.ts';
import { type CooldownFacts, cooldowns, isPausedAsleep, minimumAwake, standingIntent } from './standing.ts';

/** The decision about one resource, with its reasons in clauses for people. */
export interface Decision {
  resource: ResourceRef;
  /** `would-park`: a dry run prevents the park. */
  action: 'park' | 'would-park' | 'stay';
  /** At least one. */
  reasons: readonly string[];
  /** The judgement by its samples; undefined when it stays for another reason, or is not awake. */
  verdict: Verdict['verdict'] | undefined;
  /** Whether the mass brake made a park into `stay`. */
  heldBack?: true;
}

/** The facts of a decision, beside the resources and their samples. */
export interface DecideFacts extends CooldownFacts, WantSettings {
  /** By resource key: the reason why the view of the resource may be out of date. */
  staleReasons: ReadonlyMap<string, string>;
  /** Resource keys that a park runs for. */
  parking: ReadonlySet<string>;
  /** Whether no resource is parked. */
  dryRun: boolean;
}

/**
 * Decides about each resource, in their order. Pure and total: a resource that cannot be judged stays awake with that
 * reason, and changes nothing for the others. Anything unknown: stay. A pause `asleep` outweighs samples, and nothing else.
 */
export function decide(resources: readonly Resource[], samples: Samples, facts: DecideFacts): readonly Decision[] {
  return resources.map((resource) => {
    const { namespace, name } = resource;
    try {
      return { resource: { namespace, name }, ...decideOne(resource, samples, facts) };
    } catch (error) {
      const reason = `unknown: it cannot be judged: ${(error as Error).message}`;
      return { resource: { namespace, name }, action: 'stay', reasons: [reason], verdict: 'unknown' };
    }
  });
}

function decideOne(resource: Resource, samples: Samples, facts: DecideFacts): Omit<Decision, 'resource'> {
  const standing = standingReasons(resource, facts);
  if (resource.phase !== 'awake') return { action: 'stay', reasons: standing, verdict: undefined };
  const { verdict, reasons } = verdictOf(resource, samples, facts);
  const idle = verdict === 'idle';
  if (standing.length > 0) {
    return { action: 'stay', reasons: idle ? standing : [...standing, ...reasons], verdict: undefined };
  }
  if (!idle) return { action: 'stay', reasons, verdict };
  return { action: facts.dryRun || resource.dryRun ? 'would-park' : 'park', reasons, verdict };
}

function verdictOf(resource: Resource, samples: Samples, facts: DecideFacts): Verdict {
  const { memory, now } = facts;
  if (resource.pause && isPausedAsleep(resource, now)) return { verdict: 'idle', reasons: [pauseText(resource.pause)] };
  return judge(wantsOf(resource, facts), { samples, known: memory.known, now });
}

/** The reasons for which it stays awake, whatever its samples are. */
function standingReasons(resource: Resource, facts: DecideFacts): readonly string[] {
  if (resource.phase === undefined) return ['unknown: its phase is not known'];
  if (resource.phase !== 'awake') return [`it is ${resource.phase}`];
  const key = keyOf(resource);
  const stale = facts.staleReasons.get(key);
  return [
    stale === undefined ? undefined : `unknown: ${stale}`,
    facts.parking.has(key) ? 'a park is under way' : undefined,
    resource.replicas === 0 ? 'it is awake with no replicas: left to be repaired' : undefined,
    resource.blocked ? `blocked: ${resource.blocked}` : undefined,
    ...standingIntent(resource, facts.now),
    minimumAwake(resource, facts),
    ...cooldowns(resource, facts),
  ].filter((reason) => reason !== undefined);
}
