import type { Phase } from '@scaler/scaler-types';

/**
 * What a wait is for: `settle`, routing that must stand for a while; `emptied`, a Service's own slices to lose their
 * pods; `endpoints`, pods to become ready; `dlx`, a DLX that listens; `reach`, a path from the DLX to the pods.
 */
export type WaitFor = 'settle' | 'emptied' | 'endpoints' | 'dlx' | 'reach';

/** A swap of the workload's token, with what is written beside it. */
export interface SwapStep {
  readonly do: 'swap';
  readonly to: Phase;
  /** Written; undefined: the replicas are not touched. */
  readonly replicas?: number;
  /** The swap fails unless so many are asked for. */
  readonly testReplicas?: number;
  /** Kept in the state: what a wake brings back. */
  readonly wanted: number;
  /** In words, for the state and the Event. */
  readonly reason: string;
}

/** The one thing to do next. Each writes at most one object, and is decided anew from facts afterwards. */
export type Step =
  | { readonly do: 'rest' }
  /** `forMs`: look again after so long at the latest. */
  | { readonly do: 'wait'; readonly for: WaitFor; readonly forMs: number }
  | SwapStep
  /** Removes our labels and annotation. */
  | { readonly do: 'forget' }
  | { readonly do: 'label-ports' }
  /** Writes the state again, for a controller that has lost the write before it. */
  | { readonly do: 'touch'; readonly times: number }
  /** Asks for an answer of the pods through the DLX. */
  | { readonly do: 'try-path' }
  /** `forKey`: a key is to follow, at the Service's version as it was read. */
  | { readonly do: 'write-slices'; readonly service: string; readonly epoch: string; readonly forKey: boolean }
  | { readonly do: 'delete-slices'; readonly service: string }
  | { readonly do: 'add-key'; readonly service: string; readonly epoch: string }
  | { readonly do: 'remove-key'; readonly service: string }
  /** Moves the Service's version: a key that was sent does not come any more. */
  | { readonly do: 'touch-service'; readonly service: string }
  /** Raises the fence. */
  | { readonly do: 'confirm' };

/** The end of a park without a write: it does not begin, or the replicas are 0 already and the repair decides about them. */
export interface StopStep {
  readonly do: 'stop';
  /** In words, for the Event. */
  readonly reason: string;
}
