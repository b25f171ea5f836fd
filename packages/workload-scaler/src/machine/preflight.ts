import type { SettingProblem } from '../config/setting-problem.ts';
import type { Facts } from './facts.ts';
import { noService } from './refusal.ts';
import { parkBar } from './intent.ts';

/** What must be known, beside the table's facts, before a park begins. */
export interface PreflightFacts {
  readonly facts: Facts;
  readonly problems: readonly SettingProblem[];
  /** How many Services lead to it. */
  readonly services: number;
  /** A DLX Service is named at all. */
  readonly dlxNamed: boolean;
  /** Ready DLX addresses, read live, that do not listen on all of its ports, as far as is known. */
  readonly deaf: readonly string[];
  /** Why its pods are on the move; undefined: they are not. */
  readonly rollout: string | undefined;
  /** Who is given way to, in words. */
  readonly rival: string | undefined;
}

/** Why a park must not begin, one clause each; empty: it may. Pure. */
export function parkProblems({
  facts,
  problems,
  services,
  dlxNamed,
  deaf,
  rollout,
  rival,
}: PreflightFacts): readonly string[] {
  const { workload, mode, refused, dlx } = facts;
  if (workload === undefined) return ['it does not exist'];
  const bar = parkBar(facts.wishes);
  const when = (condition: boolean, text: string): string[] => (condition ? [text] : []);
  const touched = facts.services.some(({ slices, key }) => slices !== 'none' || key !== undefined);
  const closed = facts.services.every(({ ours, slices, key }) => !ours || (slices !== 'none' && key !== undefined));
  return [
    ...when(!workload.enabled, 'it is not opted in'),
    ...when(workload.phase !== 'awake', `it is ${workload.phase ?? 'in an unknown phase'}, not awake`),
    ...when(workload.replicas === 0, 'its replicas are 0 already'),
    ...(bar === undefined ? [] : [bar]),
    ...problems.filter(({ fatal }) => fatal).map(({ message }) => message),
    ...when(services === 0, noService),
    ...(refused === undefined ? [] : [refused]),
    ...(rival === undefined || rival === refused ? [] : [rival]),
    ...when(!dlxNamed, 'no DLX Service is named, so nothing could hold its requests'),
    ...when(dlxNamed && dlx !== 'ready', 'no DLX listens on its ports'),
    ...when(deaf.length > 0, `the DLX at ${deaf.join(', ')} does not listen on all of its ports yet`),
    ...when(!workload.portsLabelled, 'a port of its Services has no port of the DLX yet'),
    ...(rollout === undefined ? [] : [rollout]),
    ...when(mode === 'always' && !closed, 'the DLX is not in its path yet'),
    ...when(mode !== 'always' && touched, 'its traffic is still being handed back'),
  ];
}

interface RolloutObject {
  readonly metadata?: { readonly generation?: number };
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
}

/** Whether a Deployment or StatefulSet is in the middle of a rollout, in words. */
export function rolloutProblem({ metadata, spec, status }: RolloutObject): string | undefined {
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0))
    return 'its last change has not been seen by its controller';
  const { updatedReplicas = 0, replicas = 0, currentRevision, updateRevision } = status ?? {};
  const revised = currentRevision !== undefined && updateRevision !== undefined && currentRevision !== updateRevision;
  if (updatedReplicas < wanted || replicas > wanted || revised) return 'a rollout of it is in progress';
  return undefined;
}
