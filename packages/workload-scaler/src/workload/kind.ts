import type { Kind, KubeObject } from '@scaler/kube';

/**
 * Everything that differs between kinds of workloads. The scaler itself knows no kind by its name.
 * See docs/decisions/kinds-as-data.md.
 */
export interface WorkloadKind {
  /** The API resource. */
  readonly kind: Kind;
  /** JSON pointer to the replicas that are asked for. */
  readonly replicasPath: string;
  /**
   * The replicas are written through `/scale`, after the token; otherwise in the same patch as the token. What is stopped
   * has 0, and what is started has more.
   */
  readonly scaleOnly: boolean;
  /**
   * How its pods are found. `owned`: by owner references, directly or with ReplicaSets between. `selected`: by its
   * selector, since what owns its pods is its controller's affair.
   */
  readonly pods: 'owned' | 'selected';
  /**
   * JSON pointer to the selector of its pods: labels with their values, `matchLabels`, or a text such as `app=web`.
   * Default: `/spec/selector`, then `/status/selector`, where `/scale` has it from by convention.
   */
  readonly selectorPath?: string;
  /** JSON pointer to the template of its pods. Default: `/spec/template`. Without one the selector stands for its labels. */
  readonly templatePath?: string;
  /** JSON pointer to the generation that its controller has seen. Default: `/status/observedGeneration`. */
  readonly observedGenerationPath?: string;
  /** Its controller may say nothing of generations; then it is taken to have seen the present one. Default: false. */
  readonly mayNotObserve?: boolean;
  /** Why its pods are on the move, as a clause; undefined: they are not. */
  readonly rollout: (object: KubeObject) => string | undefined;
  /** It may be missing from the API, and come later. Default: false. */
  readonly optional?: boolean;
}

/** The kinds that a scaler scales. Where two kinds share a name, the first that is opted in is the resource. */
export type WorkloadKinds = readonly WorkloadKind[];

/** As the metrics APIs and RBAC write a kind: `deployments.apps`, `pods`. */
export function qualifiedResource({ plural, group }: Kind): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** One rule of a ClusterRole. */
export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** What both apps need of RBAC for a kind, beside what they need for all. */
export function rbacRulesOf({ kind: { group, plural }, scaleOnly }: WorkloadKind): readonly RbacRule[] {
  const apiGroups = [group];
  return [
    { apiGroups, resources: [plural], verbs: ['get', 'list', 'watch', 'patch'] },
    ...(scaleOnly ? [{ apiGroups, resources: [`${plural}/scale`], verbs: ['update'] }] : []),
  ];
}

/** The value at a JSON pointer; undefined where there is none. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const segment of path.split('/').slice(1)) {
    value = (value as Record<string, unknown> | null | undefined)?.[
      segment.replaceAll('~1', '/').replaceAll('~0', '~')
    ];
  }
  return value;
}

type Labels = Readonly<Record<string, string>>;

/** Labels that each of its pods has; none where nothing that can be read names them. */
export function selectorOf({ selectorPath }: WorkloadKind, object: unknown): Labels {
  if (selectorPath !== undefined) return labelsIn(valueAt(object, selectorPath)) ?? noLabels;
  return labelsIn(valueAt(object, '/spec/selector')) ?? labelsIn(valueAt(object, '/status/selector')) ?? noLabels;
}

export const noLabels: Labels = Object.freeze({});

function labelsIn(selector: unknown): Labels | undefined {
  if (typeof selector === 'string') return labelsInText(selector);
  if (typeof selector !== 'object' || selector === null) return undefined;
  const { matchLabels, matchExpressions } = selector as { matchLabels?: Labels; matchExpressions?: unknown };
  if (matchLabels === undefined && matchExpressions === undefined) return selector as Labels;
  return matchLabels ?? noLabels;
}

// `in`, `notin` and the like narrow a selector: without them too many pods would be taken for its own.
function labelsInText(text: string): Labels | undefined {
  const pairs = text.split(',').map((one) => /^\s*([^\s=!()]+)\s*==?\s*([^\s=!()]+)\s*$/.exec(one));
  if (pairs.some((pair) => pair === null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
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

const unseen = 'its last change has not been seen by its controller';
const rolling = 'a rollout of it is in progress';

/**
 * Whether a workload is in the middle of a rollout, by the status that the kinds of `apps/v1` have: what is 0 there is
 * left out.
 */
export function appsRollout(object: KubeObject): string | undefined {
  const { metadata, spec, status } = object as RolloutObject;
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return unseen;
  const { updatedReplicas = 0, replicas = 0, currentRevision, updateRevision } = status ?? {};
  const revised = currentRevision !== undefined && updateRevision !== undefined && currentRevision !== updateRevision;
  return updatedReplicas < wanted || replicas > wanted || revised ? rolling : undefined;
}

/** The same by what a status of any kind may say: what it leaves out is not known, and stands for no rollout. */
export function anyRollout(wanted: number, object: KubeObject): string | undefined {
  const { metadata, status } = object as RolloutObject;
  const observed = Number(status?.observedGeneration ?? NaN);
  if (observed < (metadata?.generation ?? 0)) return unseen;
  const { updatedReplicas = wanted, replicas = wanted, currentRevision, updateRevision } = status ?? {};
  const revised = currentRevision !== undefined && updateRevision !== undefined && currentRevision !== updateRevision;
  return updatedReplicas < wanted || replicas !== wanted || revised ? rolling : undefined;
}
