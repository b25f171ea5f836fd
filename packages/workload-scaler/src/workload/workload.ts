import { type Deployment, type Kind, type KubeObject, identity } from '@scaler/kube';
import { keys } from './keys.ts';
import { type Labels, toLabels } from './labels.ts';
import { type PodShape, podShape } from './pod-shape.ts';

/** A kind of workload, and how its replicas are written. */
export interface WorkloadKind {
  readonly kind: Kind;
  /** JSON pointer. */
  readonly replicasPath: string;
  /** Only `/scale` may be written, not the replicas themselves: {@link transition} then writes twice. */
  readonly scaleOnly: boolean;
}

/** The kinds that a scaler scales. Where two kinds share a name, the first that is opted in is the resource. */
export type WorkloadKinds = readonly WorkloadKind[];

/** What is kept of a workload. Its template is frozen and shared between equal ones. */
export interface Workload extends Labels {
  /** `Deployment`, `StatefulSet`, or a custom kind. */
  readonly kind: string;
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
  /** 0 while its controller has not seen it. */
  readonly observedGeneration: number;
  readonly currentReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  /** `matchLabels`. */
  readonly selector: Readonly<Record<string, string>>;
  readonly templateLabels: Readonly<Record<string, string>>;
  readonly template: PodShape;
}

type WorkloadObject = Pick<Deployment, 'metadata' | 'spec' | 'status'>;

/** A `trim` for `watchStore` and lists of a kind of workload. */
export function workloadTrimmer({ kind, replicasPath }: WorkloadKind): (object: KubeObject) => Workload {
  return (object) => {
    const { metadata, spec, status } = object as WorkloadObject;
    const replicas = valueAt(object, replicasPath);
    const selector = spec?.selector?.matchLabels ?? none;
    const templateLabels = spec?.template?.metadata?.labels ?? none;
    return {
      kind: kind.kind,
      ...identity(metadata),
      generation: metadata?.generation ?? 0,
      createdAt: metadata?.creationTimestamp ?? '',
      deleting: metadata?.deletionTimestamp !== undefined,
      ...toLabels(metadata?.labels),
      annotations: ours(metadata?.annotations),
      annotated: metadata?.annotations !== undefined,
      replicas: typeof replicas === 'number' ? replicas : 1,
      observedGeneration: status?.observedGeneration ?? 0,
      currentReplicas: status?.replicas ?? 0,
      readyReplicas: status?.readyReplicas ?? 0,
      availableReplicas: status?.availableReplicas ?? 0,
      selector,
      templateLabels: sameLabels(selector, templateLabels) ? selector : templateLabels,
      template: podShape(spec?.template?.spec),
    };
  };
}

const none: Readonly<Record<string, string>> = Object.freeze({});

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
  return kept ?? none;
}

function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const segment of path.split('/').slice(1)) {
    value = (value as Record<string, unknown> | undefined)?.[segment.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value;
}
