import type { App } from '../site/apps.ts';
import type { Ask } from '../programs/asks.ts';

export const frozen = ['kube-proxy', 'kube-controller-manager', 'kube-scheduler'] as const;

/** One thing that happens to a fleet on a real cluster. `r` is a place in the fleet. */
export type Step =
  /** Time passes. */
  | { readonly do: 'pass'; readonly ms: number }
  /** Requests, each on a new connection. */
  | { readonly do: 'ask'; readonly r: number; readonly protocol: Ask['protocol']; readonly count: number }
  /** What the metrics API says, true or not. */
  | { readonly do: 'metric'; readonly r: number; readonly value: '0' | '5' }
  /** A pod of ours is deleted, as in a rollout. */
  | { readonly do: 'delete'; readonly app: App; readonly pod: number }
  /** A pod of ours is killed. */
  | { readonly do: 'kill'; readonly app: App; readonly pod: number }
  | { readonly do: 'roll-out'; readonly app: App }
  | { readonly do: 'dlx-count'; readonly count: number }
  | { readonly do: 'restart-api'; readonly downSeconds: number }
  | { readonly do: 'freeze'; readonly program: (typeof frozen)[number]; readonly seconds: number }
  /** What others do to a workload and its Service. */
  | { readonly do: 'scale'; readonly r: number; readonly replicas: number }
  | { readonly do: 'roll-out-workload'; readonly r: number }
  | { readonly do: 'edit-service'; readonly r: number }
  | { readonly do: 'opt'; readonly r: number; readonly in: boolean };

export type StepKind = Step['do'];
