import type { ResourceScaler } from '@scaler/scaler-types';
import type { Stage } from './stage.ts';

/** A case before it has a stage. */
export interface StagedCase {
  readonly name: string;
  /** It is left out where the scaler does not have it. */
  readonly ability?: keyof ResourceScaler;
  run(stage: Stage): Promise<'left-out' | undefined | void>;
}

/** A resource that nobody has. */
export function strangerOf({ ref }: Stage): { namespace: string; name: string } {
  return { namespace: ref.namespace, name: 'there-is-none-of-this-name' };
}
