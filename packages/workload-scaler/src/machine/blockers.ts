import type { SettingProblem } from '../config/settings.ts';
import type { Facts, WorkloadFacts, OwnerIntent } from './facts.ts';
import { noService } from './divertible.ts';

/** Every reason why a resource is not parked. */
export const blockerCodes = [
  'gone',
  'not-opted-in',
  'phase',
  'unknown-phase',
  'no-replicas',
  'loses',
  'replicas-changed',
  'paused',
  'busy',
  'dry-run',
  'setting',
  'no-service',
  'not-divertible',
  'contested',
  'no-dlx-service',
  'no-dlx',
  'no-dlx-listening',
  'some-dlx-not-listening',
  'no-port',
  'rollout',
  'unreachable',
  'not-in-path',
  'handing-back',
] as const;
export type BlockerCode = (typeof blockerCodes)[number];

/** One reason why a resource is not parked. */
export interface Blocker {
  readonly code: BlockerCode;
  /** A clause about the resource. */
  readonly text: string;
}

/** What is known beside the table's facts. What is left out blocks nothing. */
export interface BesideFacts {
  readonly problems?: readonly SettingProblem[];
  /** How many Services lead to it. */
  readonly services?: number;
  /** A DLX Service is named at all. */
  readonly dlxNamed?: boolean;
  /** Ready DLX addresses, read live, that do not listen on all of its ports, as far as is known. */
  readonly notListening?: readonly string[];
  /** Why its pods are on the move. */
  readonly rollout?: string | undefined;
  /** The conflict of field managers in which the scaler gives way. */
  readonly contested?: string | undefined;
  /** Replicas as they were read before the park began; undefined: no park has begun. */
  readonly parkedReplicas?: number | undefined;
}

/** Every reason why the resource is not parked, each once, in the order in which they matter to its owner. Pure. */
export function parkBlockers(facts: Facts, beside: BesideFacts = {}): readonly Blocker[] {
  const { workload } = facts;
  if (workload === undefined) return [{ code: 'gone', text: 'it does not exist' }];
  return [
    ...ownerBlockers(workload, beside),
    ...workloadBlockers(workload, beside),
    ...when(workload.loses !== undefined, 'loses', workload.loses),
    ...intentBlockers(facts.ownerIntent),
    ...when(facts.notDivertible !== undefined, 'not-divertible', facts.notDivertible ?? ''),
    // The conflict is among the facts already where it keeps the Services from being diverted.
    ...when(beside.contested !== facts.notDivertible, 'contested', beside.contested),
    ...dlxBlockers(facts, beside),
    ...when(!workload.portsLabelled, 'no-port', 'a port of its Services has no port of the DLX yet'),
    ...when(beside.rollout !== undefined, 'rollout', beside.rollout),
    ...pathBlockers(facts, workload),
  ];
}

/** Those that every process knows, without the table's facts: each is its owner's to mend. */
export function ownerBlockers(
  { enabled, marked }: Pick<WorkloadFacts, 'enabled' | 'marked'>,
  { problems = [], services }: BesideFacts,
): readonly Blocker[] {
  const optIn = marked ? 'it is not opted in any more and is being handed back' : 'it is not opted in';
  return [
    ...when(!enabled, 'not-opted-in', optIn),
    ...problems.filter(({ fatal }) => fatal).map(({ message }): Blocker => ({ code: 'setting', text: message })),
    ...when(services === 0, 'no-service', noService),
  ];
}

function workloadBlockers({ phase, replicas }: WorkloadFacts, { parkedReplicas }: BesideFacts): readonly Blocker[] {
  if (parkedReplicas === undefined) {
    return [
      ...when(phase === undefined, 'unknown-phase', 'its state is not known yet'),
      ...when(phase !== undefined && phase !== 'awake', 'phase', `it is ${phase}, not awake`),
      ...when(replicas === 0, 'no-replicas', 'its replicas are 0 already'),
    ];
  }
  const text = `its replicas were changed from ${parkedReplicas} to ${replicas} by another client`;
  return when(replicas !== parkedReplicas, 'replicas-changed', text);
}

/** Its owner keeps it awake for now. */
export function intentBlockers({ pause, busy, dryRun }: OwnerIntent): readonly Blocker[] {
  return [
    ...when(pause === 'awake' || pause === 'as-is', 'paused', `it is paused ${pause}`),
    ...when(busy, 'busy', 'it has a busy lease'),
    ...when(dryRun, 'dry-run', 'it is in a dry run'),
  ];
}

function dlxBlockers({ dlx }: Facts, { dlxNamed = true, notListening = [] }: BesideFacts): readonly Blocker[] {
  if (!dlxNamed) return when(true, 'no-dlx-service', 'no DLX Service is named, so nothing could hold its requests');
  return [
    ...when(dlx === 'gone', 'no-dlx', 'there is no DLX'),
    ...when(dlx === 'none', 'no-dlx-listening', 'no DLX listens on its ports yet'),
    ...when(
      notListening.length > 0,
      'some-dlx-not-listening',
      `the DLX at ${notListening.join(', ')} does not listen on all of its ports yet`,
    ),
  ];
}

function pathBlockers({ mode, services, reachable }: Facts, { phase }: WorkloadFacts): readonly Blocker[] {
  if (phase !== 'awake') return [];
  const touched = services.some(({ slices, key }) => slices !== 'none' || key !== undefined);
  const entered = services.every(({ ours, slices, key }) => !ours || (slices !== 'none' && key !== undefined));
  if (mode !== 'always') return when(touched, 'handing-back', 'its traffic is still being handed back');
  return [
    ...when(!entered && reachable === false, 'unreachable', 'the DLX does not reach its pods'),
    ...when(!entered && reachable !== false, 'not-in-path', 'the DLX is not in its path yet'),
  ];
}

function when(condition: boolean, code: BlockerCode, text: string | undefined): readonly Blocker[] {
  return condition && text !== undefined ? [{ code, text }] : [];
}

/**
 * Which blockers matter where. A park that has not begun is refused by any. What comes and goes with the autoscaler's own
 * work is not shown as `Resource.blocked`: it decides about pauses, leases and phases by itself.
 */
const cancelling: readonly BlockerCode[] = [
  'gone',
  'not-opted-in',
  'replicas-changed',
  'loses',
  'no-dlx',
  'no-dlx-listening',
  'no-port',
  'paused',
  'busy',
  'dry-run',
  'not-divertible',
];
/** All of these are shown, since each is its owner's to mend. */
const shownAll: readonly BlockerCode[] = ['not-opted-in', 'setting', 'no-service'];
/** Of these the first is shown, since it may explain the others. */
const shownFirst: readonly BlockerCode[] = [
  'loses',
  'not-divertible',
  'no-dlx-service',
  'no-dlx',
  'unknown-phase',
  'no-port',
  'no-dlx-listening',
  'unreachable',
  'not-in-path',
  'contested',
];
/** A dry run writes neither: it goes on from what would be there. */
const unwrittenInDryRun: readonly BlockerCode[] = ['unknown-phase', 'no-port'];

/** Why a park that has begun is cancelled; undefined: it goes on. */
export function cancelReason(facts: Facts, parkedReplicas: number): string | undefined {
  return chosen(parkBlockers(facts, { parkedReplicas }), cancelling)[0]?.text;
}

/** Why a park does not begin; undefined: it may. */
export function refusalReason(facts: Facts, beside: BesideFacts = {}): string | undefined {
  return joined(parkBlockers(facts, beside));
}

/** `Resource.blocked`: why it is not parked, whatever its metrics say. */
export function blockedReason(blockers: readonly Blocker[]): string | undefined {
  const isDryRun = blockers.some(({ code }) => code === 'dry-run');
  const first = isDryRun ? shownFirst.filter((code) => !unwrittenInDryRun.includes(code)) : shownFirst;
  return joined([...chosen(blockers, shownAll), ...chosen(blockers, first).slice(0, 1)]);
}

/** Those with these codes, in the order of the codes. */
function chosen(blockers: readonly Blocker[], codes: readonly BlockerCode[]): readonly Blocker[] {
  return codes.flatMap((code) => blockers.filter((blocker) => blocker.code === code));
}

function joined(blockers: readonly Blocker[]): string | undefined {
  return blockers.length === 0 ? undefined : blockers.map(({ text }) => text).join('; ');
}
