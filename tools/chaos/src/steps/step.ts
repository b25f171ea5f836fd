import type { MetricMode } from '../world/metrics.ts';
import type { App } from '../world/programs.ts';
import type { VetoAnswer } from '../world/vetoes.ts';

/** Whose dealings with the API a fault is about. */
export type Who = App | 'both';

/** What goes wrong with some requests for a while. */
export type ApiFault =
  /** 503 and nothing done. */
  | 'error'
  /** 409 although nobody else wrote. */
  | 'conflict'
  /** 429 with Retry-After. */
  | 'busy'
  /** The connection breaks before anything was done. */
  | 'drop'
  /** It is done, and the answer lost. */
  | 'lost'
  | 'latency'
  /** A write that is done long after its client has given up. */
  | 'late';
export const apiFaults: readonly ApiFault[] = ['error', 'conflict', 'busy', 'drop', 'lost', 'latency', 'late'];

/**
 * What somebody does at the very moment that the last write of a park is before the API, and before it is done; a slow
 * request comes earlier, while the park settles.
 */
export type Interleaving = 'request' | 'slow-request' | 'scale' | 'opt-out' | 'pause' | 'busy';
export const interleavings: readonly Interleaving[] = ['request', 'slow-request', 'scale', 'opt-out', 'pause', 'busy'];

/** What an owner may want: a pause, a busy lease by annotation or asked for at the autoscaler, a dry run, nothing any more. */
export type Wish = 'awake' | 'asleep' | 'as-is' | 'busy' | 'busy-put' | 'dry-run' | 'none';
export const wishes: readonly Wish[] = ['awake', 'asleep', 'as-is', 'busy', 'busy-put', 'dry-run'];

/** One step of a script. `r`: index into the fleet. Whatever cannot be done as things stand is left out. */
export type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'request'; readonly r: number; readonly count: number; readonly node: number }
  /** A request every so often while time goes on. */
  | { readonly do: 'traffic'; readonly r: number; readonly everyMs: number; readonly forMs: number }
  | { readonly do: 'wake-all' }
  | { readonly do: 'metric'; readonly r: number; readonly mode: MetricMode }
  | { readonly do: 'truth' }
  | { readonly do: 'metrics-down'; readonly forMs: number }
  | {
      readonly do: 'api-fault';
      readonly fault: ApiFault;
      readonly who: Who;
      readonly writes: boolean;
      /** Plural: only those of this kind. Left out: of every kind. */
      readonly kind?: string;
      readonly share: number;
      readonly forMs: number;
    }
  | { readonly do: 'cut-watches'; readonly who: Who }
  | { readonly do: 'stale-watches'; readonly who: Who; readonly lagMs: number; readonly forMs: number }
  | { readonly do: 'freeze-watches'; readonly who: Who; readonly forMs: number }
  | { readonly do: 'restart-api'; readonly downMs: number }
  | { readonly do: 'clock-jump'; readonly who: App; readonly ms: number }
  | { readonly do: 'kill'; readonly who: App }
  | { readonly do: 'kill-at-write'; readonly who: App; readonly write: number }
  /** The Lease holder stands still until after another has taken over, and then goes on. */
  | { readonly do: 'freeze-leader'; readonly forMs: number; readonly hearsFirst: boolean }
  | { readonly do: 'drain'; readonly who: App }
  | { readonly do: 'dlx-count'; readonly count: number }
  | { readonly do: 'interleave'; readonly r: number; readonly what: Interleaving }
  | { readonly do: 'scale'; readonly r: number; readonly replicas: number }
  | { readonly do: 'roll-out'; readonly r: number }
  | { readonly do: 'strip-key'; readonly r: number }
  | { readonly do: 'edit-service'; readonly r: number }
  | { readonly do: 'recreate-service'; readonly r: number }
  | { readonly do: 'opt'; readonly r: number; readonly in: boolean }
  /** `forMs` left out: without an end; a lease has one anyway. */
  | { readonly do: 'wish'; readonly r: number; readonly wish: Wish; readonly forMs?: number }
  /** What its pods say from now on when they are asked whether it may sleep. */
  | { readonly do: 'veto'; readonly r: number; readonly answer: VetoAnswer }
  | { readonly do: 'proxy-lag'; readonly ms: number }
  /** All faults end, time passes, and everything must be whole. */
  | { readonly do: 'settle' };

export type StepKind = Step['do'];
