import type { Decision } from './decide.ts';
import type { Instant } from './instant.ts';

export interface BrakeSettings {
  /** Parks that are let through in one tick while the brake is on. */
  parksPerTick: number;
}

export interface BrakeFacts {
  decisions: readonly Decision[];
  /** How many resources are awake. */
  awake: number;
  /** When a source last began or ceased to fail, or another replica acted; undefined: never seen. */
  lastFailure: Instant | undefined;
  /** The longest window of any scale metric, in milliseconds. */
  longestWindowMs: number;
  /** Whether the brake was on after the tick before. */
  braked: boolean;
  now: Instant;
}

export interface Braked {
  decisions: readonly Decision[];
  braked: boolean;
  /** How many parks were held back. */
  heldBack: number;
}

/**
 * The mass brake. It goes on when more than max(10, 20 % of those awake) would go to zero in one tick, and less than two
 * windows ago (one in which all was unknown, one in which it looks idle) a source failed, or another replica acted, which
 * may have seen a failure. While it is on, a few are parked per tick. It stays on until no more than that many wait. Pure.
 */
export function brake(facts: BrakeFacts, settings: BrakeSettings): Braked {
  const { decisions, lastFailure, now } = facts;
  const parks = decisions.filter((decision) => decision.action === 'park').length;
  const many = parks > Math.max(10, 0.2 * facts.awake);
  const recent = lastFailure !== undefined && now.monotonicMs - lastFailure.monotonicMs <= 2 * facts.longestWindowMs;
  if (!many || !(facts.braked || recent)) return { decisions, braked: false, heldBack: 0 };
  const allowed = inTurn(decisions, settings.parksPerTick);
  const reason = `the brake is on: more than max(10, 20 %) of ${facts.awake} went idle at once after a source failed or another replica took over`;
  return {
    decisions: decisions.map((decision) => {
      if (decision.action !== 'park' || allowed.has(decision)) return decision;
      return { ...decision, action: 'stay', heldBack: true, reasons: [reason, ...decision.reasons] };
    }),
    braked: true,
    heldBack: Math.max(0, parks - settings.parksPerTick),
  };
}

/** Picks so many parks, one of each namespace, then one more of each, so that no namespace comes before all others. */
function inTurn(decisions: readonly Decision[], count: number): ReadonlySet<Decision> {
  const lines = new Map<string, Decision[]>();
  for (const decision of decisions) {
    if (decision.action !== 'park') continue;
    const line = lines.get(decision.resource.namespace);
    if (line === undefined) lines.set(decision.resource.namespace, [decision]);
    else if (line.length < count) line.push(decision);
  }
  const chosen = new Set<Decision>();
  for (let round = 0; round < count && chosen.size < count; round++) {
    for (const { [round]: next } of lines.values()) if (next !== undefined && chosen.size < count) chosen.add(next);
  }
  return chosen;
}
