import { type Clock, pauseText, type Resource, type ResourceRef, resourceKey } from '@scaler/scaler-types';
import type { Attempts } from './decide/attempts.ts';
import { brake, type BrakeFacts, type BrakeSettings } from './decide/brake.ts';
import { decide, type Decision } from './decide/decide.ts';
import { type Instant, instantOf } from './decide/instant.ts';
import { judge, type Verdict } from './decide/judge.ts';
import { firstMemory, type Memory, remember } from './decide/memory.ts';
import { isPausedAsleep, standingIntent } from './decide/standing.ts';
import type { ResourceView } from './observe/resource-view.ts';
import { collect, type SourceReport } from './collect/collect.ts';
import type { Source } from './collect/collect.ts';
import { type Want, type WantSettings, wantsOf } from './collect/want.ts';

/** The settings of the judgement, in milliseconds. */
export interface TickSettings extends WantSettings, BrakeSettings {
  /** Between the beginnings of two ticks. */
  intervalMs: number;
  cooldownMs: number;
  /** Whether no resource is parked, and decisions only say which would be. */
  dryRun: boolean;
}

export interface TickParts {
  view: ResourceView;
  sources: readonly Source[];
  clock: Clock;
  settings: TickSettings;
  /** Whether another replica may have judged before. */
  isSuccessor: boolean;
}

/** The parks that run, and those that did not end in sleep. */
export interface ActFacts {
  parking: ReadonlySet<string>;
  attempts: ReadonlyMap<string, Attempts>;
}

/** The result of one tick. */
export interface TickResult {
  resources: readonly Resource[];
  decisions: readonly Decision[];
  reports: readonly SourceReport[];
  braked: boolean;
  heldBack: number;
}

/** Judges resources for one Lease holder, from its first tick to its last. */
export function createTicker({ view, sources, clock, settings, isSuccessor }: TickParts) {
  let memory = firstMemory(isSuccessor, instantOf(clock));
  const longestGapMs = 3 * settings.intervalMs;

  return {
    /** Collects and decides. @throws only the signal's reason. */
    async tick(facts: ActFacts, signal: AbortSignal): Promise<TickResult> {
      await view.refresh(signal);
      const resources = view.list();
      const wants = wantsOfAll(resources, settings);
      const { samples, reports } = await collect(sources, wants, { signal });
      const now = instantOf(clock);
      memory = remember(memory, { resources, wants, samples, reports, now, longestGapMs });
      const staleReasons = view.staleReasons();
      const decided = decide(resources, samples, { ...settings, ...facts, staleReasons, memory, now });
      const braked = brake(brakeFacts(resources, wants, decided, memory, now), settings);
      memory = { ...memory, braked: braked.braked };
      return { resources, reports, ...braked };
    },
    /** Reads one resource and its samples again, and judges it by the memory of the ticks. @throws only the signal's reason. */
    async judgeAgain(ref: ResourceRef, signal: AbortSignal): Promise<Verdict> {
      await view.refresh(signal);
      const resource = view.get(ref);
      if (!resource) return { verdict: 'unknown', reasons: ['the scaler does not list it any more'] };
      const now = instantOf(clock);
      const standing = standingAgain(resource, view, now);
      if (standing.length > 0) return { verdict: 'unknown', reasons: standing };
      if (resource.pause && isPausedAsleep(resource, now))
        return { verdict: 'idle', reasons: [pauseText(resource.pause)] };
      const wants = tryWantsOf(resource, settings);
      const { samples } = await collect(sources, wants, { signal });
      return judge(wants, { samples, known: memory.known, now: instantOf(clock) });
    },
  };
}

/** Reasons that may have come up since the park began, and that end it whatever the samples are. */
function standingAgain(resource: Resource, view: ResourceView, now: Instant): readonly string[] {
  const stale = view.staleReasons().get(resourceKey(resource));
  return [
    ...(stale === undefined ? [] : [`unknown: ${stale}`]),
    ...(resource.dryRun ? ['a dry run has begun'] : []),
    ...standingIntent(resource, now),
  ];
}

/**
 * A sleeping resource needs only the DLX's count, which is one answer for all resources and then covers the whole window
 * after a wake. Others need all metrics, in `parking` too: the fence asks again, and a gap would begin the window anew.
 */
function wantsOfAll(resources: readonly Resource[], settings: WantSettings): readonly Want[] {
  return resources.flatMap((resource) => {
    const wants = tryWantsOf(resource, settings);
    return resource.phase === 'asleep' ? wants.filter(({ source }) => source === 'dlx-activity') : wants;
  });
}

/** The wants of a resource; none where its metrics are malformed, which `decide` reports. */
function tryWantsOf(resource: Resource, settings: WantSettings): readonly Want[] {
  try {
    return wantsOf(resource, settings);
  } catch {
    return [];
  }
}

function brakeFacts(
  resources: readonly Resource[],
  wants: readonly Want[],
  decisions: readonly Decision[],
  { lastFailure, braked }: Memory,
  now: Instant,
): BrakeFacts {
  const awake = resources.filter(({ phase }) => phase === 'awake').length;
  const longestWindowMs = wants.reduce((longest, { metric }) => Math.max(longest, metric.windowSize), 0);
  return { decisions, awake, lastFailure, longestWindowMs, braked, now };
}
