import type { ResourceScaler } from '@scaler/scaler-types';
import type { Stage } from './stage.ts';

/** A case before it has a stage. */
export interface StagedCase {
  readonly name: string;
  /** The ability that the case needs; it is left out where the scaler lacks it. */
  readonly ability?: keyof ResourceScaler;
  run(stage: Stage): Promise<'left-out' | undefined | void>;
}

/** A resource that does not exist. */
export function strangerOf({ ref }: Stage): { namespace: string; name: string } {
  return { namespace: ref.namespace, name: 'there-is-none-of-this-name' };
}
