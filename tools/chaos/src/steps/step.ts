import type { MetricMode } from '../world/metrics.ts';
import type { App } from '../world/programs.ts';
import type { VetoAnswer } from '../world/vetoes.ts';

/** The app whose requests to the API a fault hits. */
export type Apps = App | 'both';

/** The faults that hit some requests to the API for a while. */
export const apiFaults = [
  /** 503; the request is not done. */
  'error',
  /** 409 although no other client wrote. */
  'conflict',
  /** 429 with Retry-After. */
  'busy',
  /** The connection breaks before the request is done. */
  'drop',
  /** The request is done, and the answer is lost. */
  'lost',
  'latency',
  /** A write that is done long after its client has given up. */
  'late',
] as const;
export type ApiFault = (typeof apiFaults)[number];

/**
 * What another client does when the last write of a park has arrived at the API, and before it is done; a slow
 * request comes earlier, while the park settles.
 */
export const interleavings = ['request', 'slow-request', 'scale', 'opt-out', 'pause', 'busy'] as const;
export type Interleaving = (typeof interleavings)[number];

/**
 * An owner's intent: a pause, a busy lease (by the annotation, or by the autoscaler's API), a dry run, or none any
 * more.
 */
export const intents = ['awake', 'asleep', 'as-is', 'busy', 'busy-put', 'dry-run'] as const;
export type Intent = (typeof intents)[number] | 'none';

/** One step of a script. `r`: index into the fleet. A step that cannot be done as things stand is left out. */
export type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'request'; readonly r: number; readonly count: number; readonly node: number }
  /** Requests at a steady rate while time goes on. */
  | { readonly do: 'traffic'; readonly r: number; readonly everyMs: number; readonly forMs: number }
  | { readonly do: 'wake-all' }
  | { readonly do: 'metric'; readonly r: number; readonly mode: MetricMode }
  | { readonly do: 'truth' }
  | { readonly do: 'metrics-down'; readonly forMs: number }
  | {
      readonly do: 'api-fault';
      readonly fault: ApiFault;
      readonly app: Apps;
      readonly writes: boolean;
      /** Plural: only requests for this kind of object. Left out: for every kind. */
      readonly kind?: string;
      readonly share: number;
      readonly forMs: number;
    }
  | { readonly do: 'cut-watches'; readonly app: Apps }
  | { readonly do: 'stale-watches'; readonly app: Apps; readonly lagMs: number; readonly forMs: number }
  | { readonly do: 'freeze-watches'; readonly app: Apps; readonly forMs: number }
  | { readonly do: 'restart-api'; readonly downMs: number }
  | { readonly do: 'clock-jump'; readonly app: App; readonly ms: number }
  | { readonly do: 'kill'; readonly app: App }
  | { readonly do: 'kill-at-write'; readonly app: App; readonly write: number }
  /** The Lease holder stands still until another replica has taken over, and then goes on. */
  | { readonly do: 'freeze-leader'; readonly forMs: number; readonly hearsFirst: boolean }
  | { readonly do: 'drain'; readonly app: App }
  | { readonly do: 'dlx-count'; readonly count: number }
  | { readonly do: 'interleave'; readonly r: number; readonly what: Interleaving }
  | { readonly do: 'scale'; readonly r: number; readonly replicas: number }
  | { readonly do: 'roll-out'; readonly r: number }
  | { readonly do: 'strip-key'; readonly r: number }
  | { readonly do: 'edit-service'; readonly r: number }
  | { readonly do: 'recreate-service'; readonly r: number }
  | { readonly do: 'opt'; readonly r: number; readonly in: boolean }
  /** `forMs` left out: without an end; a busy lease ends anyway. */
  | { readonly do: 'intent'; readonly r: number; readonly intent: Intent; readonly forMs?: number }
  /** The answer that its pods give from now on when the scaler asks whether the resource may sleep. */
  | { readonly do: 'veto'; readonly r: number; readonly answer: VetoAnswer }
  | { readonly do: 'proxy-lag'; readonly ms: number }
  /** All faults end, time passes, and every resource must converge. */
  | { readonly do: 'settle' };

export type StepKind = Step['do'];
