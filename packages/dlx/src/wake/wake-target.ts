import type { Resource } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import type { Refusal } from '../outcome.ts';
import type { Explained } from './explainer.ts';
import type { HeldByPort } from './wake-reason.ts';

/** The resource that a wake is of, and the requests that wait for it. */
export interface WakeTarget extends Explained, HeldByPort {
  readonly core: Core;
  readonly key: string;
  readonly resource: Resource;
  /** It is no longer managed. */
  readonly removed: boolean;
  /** How many requests are held. */
  readonly held: number;
  /** Stands for the fences up to now; hand it to {@link confirm}. */
  readonly fenceSeq: number;
  isOpen(): boolean;
  hasEndpoints(): boolean;
  /** A setScale that began when `fenceSeq` was as given says that it can serve. */
  confirm(fenceSeq: number): void;
  /** Ends all that are held. */
  failHeld(refusal: Refusal): void;
}
