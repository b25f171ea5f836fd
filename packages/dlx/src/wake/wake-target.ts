import { type Explanation, pauseInEffect, pauseText, type Resource, type ResourceRef } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import { keptText, type Refusal } from '../outcome.ts';

/** The resource that a wake is of, and the requests that wait for it. */
export interface WakeTarget {
  readonly core: Core;
  readonly key: string;
  readonly ref: ResourceRef;
  readonly resource: Resource;
  /** It is no longer managed. */
  readonly removed: boolean;
  /** How many requests are held. */
  readonly held: number;
  /** The held requests, by port. */
  readonly lanes: readonly {
    readonly head: { readonly startedMs: number } | undefined;
    readonly port: { readonly service: string; readonly port: number };
  }[];
  readonly wake: { readonly inLine: boolean };
  /** Why it is blocked, as last heard. */
  blockedReason: string | undefined;
  /** Stands for the fences up to now; hand it to {@link confirm}. */
  readonly fenceSeq: number;
  isOpen(): boolean;
  needsWake(): boolean;
  hasEndpoints(): boolean;
  /** A setScale that began when `fenceSeq` was as given says that it can serve. */
  confirm(fenceSeq: number): void;
  /** Ends all that are held. */
  failHeld(refusal: Refusal): void;
}

/** Monotonic; when the first of those that are held arrived. */
export function firstArrivalMs(gate: WakeTarget): number {
  const heads = gate.lanes.map(({ head }) => head?.startedMs ?? Number.POSITIVE_INFINITY);
  return Math.min(...heads);
}

/** Why it is woken, for people. */
export function wakeReason(gate: WakeTarget): string {
  for (const lane of gate.lanes) {
    if (lane.head !== undefined) return `a request for ${lane.port.service}:${lane.port.port} arrived`;
  }
  return 'a request arrived';
}

/**
 * The refusal of a request that only a wake could help, where a pause forbids it. Undefined: no pause is known, or the scaler
 * has to say, since what is known is not that it sleeps, or may be out of date.
 */
export function pausedAsleep(gate: WakeTarget): Refusal | undefined {
  const { resource, core, ref } = gate;
  // A park that a pause wants is not undone by a request; any other is.
  const mode = pauseInEffect(resource.pause, core.clock.now());
  const sleeps = resource.phase === 'asleep' || (resource.phase === 'parking' && mode === 'asleep');
  return sleeps && core.scaler.isStale?.(ref) !== true ? pauseRefusal(gate) : undefined;
}

/** The same, where the scaler has refused for a pause; with the pause's end, as far as that is known. */
export function pauseRefusal({ key, resource, core }: WakeTarget): Refusal | undefined {
  const { pause } = resource;
  const nowMs = core.clock.now();
  const mode = pauseInEffect(pause, nowMs);
  if (pause === undefined || (mode !== 'asleep' && mode !== 'as-is')) return undefined;
  const endMs = pause.until === undefined ? undefined : Date.parse(pause.until);
  const retryAfterS = endMs === undefined ? null : Math.max(1, Math.ceil((endMs - nowMs) / 1_000));
  return { outcome: 'wake-failed', detail: `${key} is ${pauseText(pause)}`, retryAfterS };
}

/** A pod's failure reaches held requests within 2 s; a scaler answers from what it has watched. */
const explainEveryMs = 500;
/** Characters of it that are kept. */
const mostCause = 1000;

/** Asks the scaler, while a wake lasts, what stands in its way. */
export class Explainer {
  readonly #gate: WakeTarget;
  readonly #onHopeless: (cause: string) => void;
  /** The reason that it gave last. */
  #lastReason: string | undefined;

  constructor(gate: WakeTarget, onHopeless: (cause: string) => void) {
    this.#gate = gate;
    this.#onHopeless = onHopeless;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const gate = this.#gate;
    const { scaler, clock, logger } = gate.core;
    while (scaler.explain !== undefined && !signal.aborted) {
      await clock.sleep(explainEveryMs, signal).catch(() => {});
      // In line for its turn nothing was started that could have failed.
      if (signal.aborted || !gate.needsWake() || gate.wake.inLine) continue;
      try {
        const explanation = await scaler.explain(gate.ref);
        if (!signal.aborted && gate.needsWake()) this.#take(explanation);
      } catch (error) {
        logger.debug('explain failed', { ...gate.ref, err: error });
      }
    }
  }

  #take(explanation: Explanation | undefined): void {
    const gate = this.#gate;
    const reason = explanation && keptText(`${explanation.reason}: ${explanation.text}`, mostCause);
    // A reason that came from elsewhere meanwhile stays.
    if (reason !== undefined || gate.blockedReason === this.#lastReason) gate.blockedReason = reason;
    this.#lastReason = reason;
    if (reason !== undefined && explanation?.hopeless === true) this.#onHopeless(reason);
  }
}
