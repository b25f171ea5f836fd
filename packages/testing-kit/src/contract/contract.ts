import type { ResourceScaler } from '@scaler/scaler-types';
import { keepingCases } from './keeping.ts';
import { parkingCases } from './parking.ts';
import type { ContractCase, ContractOutcome, ContractPlace } from './place.ts';
import { NotReached, Stage } from './stage.ts';
import { answeringCases } from './answering.ts';
import { wakingCases } from './waking.ts';
import { watchingCases } from './watching.ts';

/** The contract of a resource scaler on one place. */
export interface ResourceScalerContract {
  /** To be run one after the other, any of them alone too. */
  readonly cases: readonly ContractCase[];
  /** Leaves the resource awake, and closes every scaler that was made. */
  close(): Promise<void>;
}

const allCases = [answeringCases, watchingCases, parkingCases, wakingCases, keepingCases].flatMap((groups) =>
  Object.entries(groups).flatMap(([member, cases]) =>
    Object.entries(cases).map(([name, run]) => ({ name, member: member as keyof ResourceScaler, run })),
  ),
);

/**
 * The promises of `@scaler/scaler-types` about every resource scaler, as cases for any test framework. Scalers are created
 * when the first case runs.
 */
export function resourceScalerContract(place: ContractPlace): ResourceScalerContract {
  let stage: Promise<Stage> | undefined;
  const outcomeOf = async ({ member, run }: (typeof allCases)[number]): Promise<ContractOutcome> => {
    stage ??= new Stage(place).open();
    const opened = await stage;
    if (opened.autoscaler[member] === undefined) return 'left-out';
    try {
      return (await run(opened)) ?? 'kept';
    } catch (error) {
      if (error instanceof NotReached) return 'left-out';
      throw error;
    }
  };
  return {
    cases: allCases.map((one) => ({ name: one.name, run: () => outcomeOf(one) })),
    close: async () => {
      const opened = await stage?.catch(() => undefined);
      await opened?.close();
    },
  };
}
