import { type KubeObject, type Pod, identity, type CallOptions, type KubeClient, isKubeError } from '@scaler/kube';
import { keys } from './keys.ts';
import { noLabels, qualifiedResource, selectorOf, valueAt, type WorkloadKind } from './kind.ts';
import { type Labels, toLabels } from './labels.ts';
import { type PodShape, podShape } from './pod-shape.ts';

/** What is kept of a workload. Its template is frozen and shared between equal ones. */
export interface Workload extends Labels {
  /** As in `kind` of the object. */
  readonly kind: string;
  /** The API resource that it is of, as RBAC and the metrics APIs write it: the plural and the group. */
  readonly resource: string;
  /** How its pods are found, see {@link WorkloadKind}. */
  readonly pods: WorkloadKind['pods'];
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** RFC 3339. */
  readonly createdAt: string;
  /** It is being deleted. */
  readonly deleting: boolean;
  /** Only those that start with `scaler/`. */
  readonly annotations: Readonly<Record<string, string>>;
  /** It has annotations at all, ours or not: a JSON patch must know. */
  readonly annotated: boolean;
  /** Asked for. */
  readonly replicas: number;
  /** 0 while its controller has not seen it, unless it says nothing of generations. */
  readonly observedGeneration: number;
  readonly readyReplicas: number;
  /** Labels that each of its pods has. */
  readonly selector: Readonly<Record<string, string>>;
  readonly templateLabels: Readonly<Record<string, string>>;
  readonly template: PodShape;
}

interface WorkloadObject {
  readonly metadata?: Pod['metadata'];
  readonly status?: {
    readonly readyReplicas?: number;
  };
}

/** Of its pods. */
type PodTemplate = Pick<Pod, 'metadata' | 'spec'>;

/** A `trim` for `watchStore` and lists of a kind of workload. */
export function workloadTrimmer(workloadKind: WorkloadKind): (object: KubeObject) => Workload {
  const { kind, replicasPath, pods, templatePath = '/spec/template' } = workloadKind;
  const resource = qualifiedResource(kind);
  return (object) => {
    const { metadata, status } = object as WorkloadObject;
    const replicas = valueAt(object, replicasPath);
    const selector = selectorOf(workloadKind, object);
    const template = valueAt(object, templatePath) as PodTemplate | undefined;
    const templateLabels = template?.metadata?.labels ?? (pods === 'selected' ? selector : noLabels);
    return {
      // Of a kind that came after the start the objects alone tell the name.
      kind: typeof object.kind === 'string' && workloadKind.optional === true ? object.kind : kind.kind,
      ...{ resource, pods },
      ...identity(metadata),
      generation: metadata?.generation ?? 0,
      createdAt: metadata?.creationTimestamp ?? '',
      deleting: metadata?.deletionTimestamp !== undefined,
      ...toLabels(metadata?.labels),
      annotations: ours(metadata?.annotations),
      annotated: metadata?.annotations !== undefined,
      replicas: typeof replicas === 'number' ? replicas : 1,
      observedGeneration: observedGenerationOf(workloadKind, object),
      readyReplicas: status?.readyReplicas ?? 0,
      selector,
      templateLabels: sameLabels(selector, templateLabels) ? selector : templateLabels,
      template: podShape(template?.spec),
    };
  };
}

// Some controllers write it as a text.
function observedGenerationOf(
  { observedGenerationPath = '/status/observedGeneration', mayNotObserve = false }: WorkloadKind,
  object: KubeObject,
): number {
  const observed = Number(valueAt(object, observedGenerationPath) ?? NaN);
  if (!Number.isNaN(observed)) return observed;
  return mayNotObserve ? ((object as WorkloadObject).metadata?.generation ?? 0) : 0;
}

/** Whether two have the same labels, in whatever order. */
export function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keysOfA = Object.keys(a);
  return keysOfA.length === Object.keys(b).length && keysOfA.every((key) => a[key] === b[key]);
}

function ours(annotations: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  let kept: Record<string, string> | undefined;
  // One pass, for there may be thousands.
  for (const key of Object.keys(annotations ?? {})) {
    if (key.startsWith(keys.prefix)) (kept ??= {})[key] = annotations?.[key] ?? '';
  }
  return kept ?? noLabels;
}

/**
 * A live read.
 *
 * @returns undefined when there is none.
 * @throws KubeError for everything else.
 */
export async function readWorkload(
  client: KubeClient,
  kind: WorkloadKind,
  ref: { readonly namespace: string; readonly name: string },
  options: CallOptions,
): Promise<Workload | undefined> {
  try {
    return workloadTrimmer(kind)(await client.get(kind.kind, ref, options));
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}
