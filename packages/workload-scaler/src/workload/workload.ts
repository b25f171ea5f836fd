import { type KubeObject, type Pod, identity, type CallOptions, type KubeClient, isKubeError } from '@scaler/kube';
import { keys } from './keys.ts';
import { noLabels, qualifiedResource, selectorOf, valueAt, type WorkloadKind } from './kind.ts';
import { toLabels } from './labels.ts';
import { podShape } from './pod-shape.ts';

/** What is kept of a workload. Its template is frozen and shared between equal ones. */
export type Workload = Readonly<ReturnType<ReturnType<typeof workloadTrimmer>>>;

interface WorkloadObject {
  readonly metadata?: Pod['metadata'];
  readonly status?: {
    readonly readyReplicas?: number;
  };
}

/** Of its pods. */
type PodTemplate = Pick<Pod, 'metadata' | 'spec'>;

/** A `trim` for `watchStore` and lists of a kind of workload. */
export function workloadTrimmer(workloadKind: WorkloadKind) {
  const { kind, replicasPath, pods, templatePath = '/spec/template' } = workloadKind;
  const resource = qualifiedResource(kind);
  return (object: KubeObject) => {
    const { metadata, status } = object as WorkloadObject;
    const replicas = valueAt(object, replicasPath);
    const selector = selectorOf(workloadKind, object);
    const template = valueAt(object, templatePath) as PodTemplate | undefined;
    const templateLabels = template?.metadata?.labels ?? (pods === 'selected' ? selector : noLabels);
    return {
      /** As in `kind` of the object: of a kind that came after the start the objects alone tell the name. */
      kind: typeof object.kind === 'string' && workloadKind.optional === true ? object.kind : kind.kind,
      /** The API resource that it is of, as RBAC and the metrics APIs write it: the plural and the group. */
      resource,
      /** How its pods are found, see {@link WorkloadKind}. */
      pods,
      ...identity(metadata),
      generation: metadata?.generation ?? 0,
      /** RFC 3339. */
      createdAt: metadata?.creationTimestamp ?? '',
      /** It is being deleted. */
      deleting: metadata?.deletionTimestamp !== undefined,
      ...toLabels(metadata?.labels),
      /** Only those that start with `scaler/`. */
      annotations: ours(metadata?.annotations),
      /** It has annotations at all, ours or not: a JSON patch must know. */
      annotated: metadata?.annotations !== undefined,
      /** What becomes of its claims of volumes when it is scaled down: `Delete` takes their data away. */
      claimsWhenScaled: text(valueAt(object, claimsWhenScaledPath)),
      /** Pods of the same names come back, and have to be gone before: the first finalizer on them. */
      podFinalizer:
        valueAt(object, '/spec/podManagementPolicy') === undefined ? undefined : template?.metadata?.finalizers?.[0],
      /** Asked for. */
      replicas: typeof replicas === 'number' ? replicas : 1,
      /** 0 while its controller has not seen it, unless it says nothing of generations. */
      observedGeneration: observedGenerationOf(workloadKind, object),
      readyReplicas: status?.readyReplicas ?? 0,
      /** Labels that each of its pods has. */
      selector,
      templateLabels: sameLabels(selector, templateLabels) ? selector : templateLabels,
      template: podShape(template?.spec),
    };
  };
}

/** As `apps/v1` has it, and those that other projects made of it. */
export const claimsWhenScaledPath = '/spec/persistentVolumeClaimRetentionPolicy/whenScaled';

/** What a park of it could not give back, as a clause; undefined: nothing. */
export function lossOf({ claimsWhenScaled, podFinalizer }: Workload): string | undefined {
  if (claimsWhenScaled === 'Delete') {
    return 'its persistentVolumeClaimRetentionPolicy.whenScaled is Delete: Kubernetes would delete its data with its pods';
  }
  if (podFinalizer === undefined) return undefined;
  return `its pods have the finalizer ${podFinalizer}: one that is not taken off would keep them from coming back`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
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
