import type { Clock, ResourceRef, ResourceScaler, ScalerContext } from '@scaler/scaler-types';

/** Where a scaler is put to the test: its platform, with a resource on it. */
export interface ContractPlace {
  /** It is there and managed, one park and one wake away from any state; the suite leaves it awake. */
  readonly resource: ResourceRef;
  /**
   * Makes a scaler as one process would, on the same platform each time: `createResourceScaler`, with whatever has to be
   * added to the context, which has no options, no DLX and a logger that says nothing. Called for the autoscaler, for the DLX,
   * and a few times more; the suite closes them all. A rejection fails every case.
   */
  create(context: ScalerContext): Promise<ResourceScaler> | ResourceScaler;
  /** Whether the resource itself runs and answers now, asked past every scaler. */
  serves(): Promise<boolean> | boolean;
  /** A resource that a pause keeps asleep. Default: none, and its case is left out. */
  readonly paused?: ResourceRef;
  /** Milliseconds that anything may take. Default 10,000. */
  readonly limitMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** How a case ended that did not fail. `left-out`: an ability is not there, or what the case needs is another case's matter. */
export type ContractOutcome = 'kept' | 'left-out';

/** One sentence of the contract, without a test framework. */
export interface ContractCase {
  /** Unique, such as `a confirm that says no leaves it awake`. */
  readonly name: string;
  /** Runs after the one before it has ended. @throws Error (of `node:assert`) that says what is not so. */
  run(): Promise<ContractOutcome>;
}
