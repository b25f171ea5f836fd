import type { Clock, ResourceRef, ResourceScaler, ScalerContext } from '@scaler/scaler-types';

/** The platform on which a scaler is tested, with a resource on it. */
export interface ContractPlace {
  /** A managed resource, one park and one wake away from any state; the suite leaves it awake. */
  readonly resource: ResourceRef;
  /**
   * Makes a scaler as one process would, on the same platform each time: `createResourceScaler`, with your additions to the
   * context, which has no options, no DLX and a silent logger. Called for the autoscaler, for the DLX, and a few times more;
   * the suite closes them all. A rejection fails every case.
   */
  create(context: ScalerContext): Promise<ResourceScaler> | ResourceScaler;
  /** Whether the resource itself runs and answers now, checked without any scaler. */
  serves(): Promise<boolean> | boolean;
  /** A resource that a pause keeps asleep. Default: none, and its case is left out. */
  readonly paused?: ResourceRef;
  /** Milliseconds that any step may take. Default 10,000. */
  readonly limitMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The end of a case that did not fail. `left-out`: the scaler lacks an ability, or another case failed to bring the needed state. */
export type ContractOutcome = 'kept' | 'left-out';

/** One sentence of the contract, without a test framework. */
export interface ContractCase {
  /** Unique, such as `a confirm that says no leaves it awake`. */
  readonly name: string;
  /** Runs after the one before it has ended. @throws Error (of `node:assert`) that says which promise is broken. */
  run(): Promise<ContractOutcome>;
}
