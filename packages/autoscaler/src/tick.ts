import { type Clock, pauseText, type Resource, type ResourceRef, resourceKey } from '@scaler/scaler-types';
import type { Attempts } from './decide/attempts.ts';
import { brake, type BrakeFacts, type BrakeSettings } from './decide/brake.ts';
import { decide, type Decision } from './decide/decide.ts';
import { type Instant, instantOf } from './decide/instant.ts';
import { judge, type Verdict } from './decide/judge.ts';
import { firstMemory, type Memory, remember } from './decide/memory.ts';
import { isPausedAsleep, standingIntent } from './decide/intent.ts';
import type { ResourceView } from './observe/resource-view.ts';
import { collect, type SourceReport } from './collect/collect.ts';
import type { Source } from './collect/source.ts';
import { type Want, type WantSettings, wantsOf } from './collect/want.ts';

/** How the autoscaler judges. Milliseconds. */
export interface TickSettings extends WantSettings, BrakeSettings {
  /** Between the beginnings of two ticks. */
  intervalMs: number;
  cooldownMs: number;
  /** Nothing is parked; what would be is told. */
  dryRun: boolean;
}

export interface TickParts {
  view: ResourceView;
  sources: readonly Source[];
  clock: Clock;
  settings: TickSettings;
  /** Others may have judged before. */
  isSuccessor: boolean;
}

/** What the act side knows: which parks run, and which did not end in sleep. */
export interface ActFacts {
  parking: ReadonlySet<string>;
  attempts: ReadonlyMap<string, Attempts>;
}

/** What one tick came to. */
export interface TickResult {
  resources: readonly Resource[];
  decisions: readonly Decision[];
  reports: readonly SourceReport[];
  braked: boolean;
  heldBack: number;
}

/** The judgement of one Lease holder, from its first tick to its last. */
export interface Ticker {
  /** Collects and decides. @throws only the signal's reason. */
  tick(facts: ActFacts, signal: AbortSignal): Promise<TickResult>;
  /** Reads everything about one resource again and judges it by what the ticks remember. @throws only the signal's reason. */
  judgeAgain(ref: ResourceRef, signal: AbortSignal): Promise<Verdict>;
}

export function createTicker({ view, sources, clock, settings, isSuccessor }: TickParts): Ticker {
  let memory = firstMemory(isSuccessor, instantOf(clock));
  const longestGapMs = 3 * settings.intervalMs;

  return {
    async tick(facts, signal) {
      await view.refresh(signal);
      const resources = view.list();
      const wants = wantsOfAll(resources, settings);
      const { samples, reports } = await collect(sources, wants, { signal });
      const now = instantOf(clock);
      memory = remember(memory, { resources, wants, samples, reports, now, longestGapMs });
      const doubts = view.doubts();
      const decided = decide(resources, samples, { ...settings, ...facts, doubts, memory, now });
      const braked = brake(brakeFacts(resources, wants, decided, memory, now), settings);
      memory = { ...memory, braked: braked.braked };
      return { resources, reports, ...braked };
    },
    async judgeAgain(ref, signal) {
      await view.refresh(signal);
      const resource = view.get(ref);
      if (!resource) return { verdict: 'unknown', reasons: ['the scaler does not tell of it any more'] };
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

/** What may have come about since the park began, and ends it whatever the samples say. */
function standingAgain(resource: Resource, view: ResourceView, now: Instant): readonly string[] {
  const doubt = view.doubts().get(resourceKey(resource));
  return [
    ...(doubt === undefined ? [] : [`unknown: ${doubt}`]),
    ...(resource.dryRun ? ['a dry run has begun'] : []),
    ...standingIntent(resource, now),
  ];
}

/**
 * Metrics are asked for what runs: through `parking` too, since the fence asks again and a gap would begin the window
 * anew. The DLX's count is one answer for all, and is followed through sleep: after a wake it knows of the whole window.
 */
function wantsOfAll(resources: readonly Resource[], settings: WantSettings): readonly Want[] {
  return resources.flatMap((resource) => {
    const wants = tryWantsOf(resource, settings);
    return resource.phase === 'asleep' ? wants.filter(({ source }) => source === 'dlx-activity') : wants;
  });
}

/** None for a resource whose metrics are malformed: `decide` says so. */
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
