import { type Phase, pauseModes } from '@scaler/scaler-types';
import {
  type Facts,
  type RoutingMode,
  type ServiceFacts,
  type SliceFacts,
  noOwnerIntent,
  type OwnerIntent,
} from '../machine/facts.ts';
import { type Intent, type ParkIntent, repair } from '../machine/table.ts';

const phases: readonly (Phase | undefined)[] = [undefined, 'awake', 'parking', 'asleep', 'waking'];
const modes: readonly RoutingMode[] = ['overlay', 'selector', 'always'];
const sliceStates: readonly SliceFacts[] = ['none', 'whole', 'outdated', 'broken'];
const keyStates = [undefined, 'now', 'old'] as const;
// How the version of the Service stands to what our slices say: beside a key it does not matter.
const versions = (
  slices: SliceFacts,
  key: string | undefined,
): readonly Pick<ServiceFacts, 'keyMayCome' | 'touched'>[] => [
  { keyMayCome: false, touched: false },
  ...(key === undefined ? [{ keyMayCome: slices !== 'none', touched: slices === 'none' }] : []),
];
export const services: readonly ServiceFacts[] = sliceStates.flatMap((slices) =>
  keyStates.flatMap((key) =>
    [true, false].flatMap((ours) =>
      (slices === 'none' ? ['old'] : ['now', 'old']).flatMap((sliceEpoch) =>
        versions(slices, key).map((version) => ({
          name: 'web',
          ours,
          slices,
          sliceEpoch: slices === 'none' ? undefined : sliceEpoch,
          key,
          ...version,
          serves: false,
          stableForMs: 0,
        })),
      ),
    ),
  ),
);

/** Every kind of wish, alone. */
export const someOwnerIntents: readonly OwnerIntent[] = [
  ...pauseModes.map((pause) => ({ ...noOwnerIntent, pause })),
  { ...noOwnerIntent, dryRun: true },
  { ...noOwnerIntent, busy: true },
];

const intentsAndReach: readonly (readonly [OwnerIntent, boolean | undefined])[] = [
  ...[true, false, undefined].map((reachable) => [noOwnerIntent, reachable] as const),
  ...someOwnerIntents.map((ownerIntent) => [ownerIntent, true] as const),
];

export interface Case {
  readonly facts: Facts;
  readonly intent: Intent;
}

/** Every combination of what the table looks at, for one Service. */
export function* combinations(pairs = intentsAndReach): Generator<Case> {
  for (const phase of phases)
    for (const replicas of [0, 2])
      for (const mode of modes)
        for (const service of services)
          for (const dlx of ['ready', 'none', 'gone'] as const)
            for (const notDivertible of [undefined, 'it is shared'])
              for (const [enabled, portsLabelled, followZero] of [
                [true, true, true],
                [true, true, false],
                [true, false, true],
                [false, true, true],
              ] as const)
                for (const [ownerIntent, reachable] of pairs)
                  for (const intent of intents(phase, replicas)) {
                    yield {
                      facts: {
                        workload: {
                          phase,
                          epoch: 'now',
                          phaseLabel: phase ?? 'asleep',
                          marked: true,
                          enabled,
                          replicas,
                          followed: false,
                          wanted: 3,
                          portsLabelled,
                        },
                        mode,
                        followZero,
                        ownerIntent,
                        settleMs: 5_000,
                        notDivertible,
                        services: [service],
                        dlx,
                        usable: false,
                        reachable,
                        contested: undefined,
                        unseen: undefined,
                      },
                      intent,
                    };
                  }
}

function intents(phase: Phase | undefined, replicas: number): Intent[] {
  if (phase === 'awake') return [repair, beginning];
  if (phase !== 'parking') return [repair];
  const park = { kind: 'park', epoch: 'now', reason: 'it is idle', replicas: 2 } as const;
  return [
    repair,
    { ...park, confirmed: false },
    { ...park, confirmed: true },
    { ...park, epoch: 'lost', confirmed: false },
    ...(replicas === 2 ? [{ ...park, replicas: 1, confirmed: false } as const] : []),
  ];
}

/** A park that has not begun. */
export const beginning: ParkIntent = {
  ...{ kind: 'park', epoch: 'next', reason: 'it is idle', replicas: undefined, confirmed: false },
};

/** Awake, with two replicas and nothing diverted. */
export function someFacts() {
  return {
    workload: {
      phase: 'awake' as Phase | undefined,
      epoch: 'now',
      phaseLabel: 'awake',
      marked: true,
      enabled: true,
      replicas: 2,
      followed: false,
      wanted: 2,
      portsLabelled: true,
    },
    mode: 'selector' as RoutingMode,
    followZero: true,
    ownerIntent: noOwnerIntent,
    settleMs: 5_000,
    notDivertible: undefined,
    contested: undefined,
    unseen: undefined,
    services: [] as ServiceFacts[],
    dlx: 'ready' as const,
    usable: true,
    reachable: true,
  };
}
