import { customKind, isKubeError, type KubeClient } from '@scaler/kube';
import type { Logger, ScalerContext } from '@scaler/scaler-types';
import { WorkloadScalerError } from '../errors.ts';
import {
  qualifiedResource,
  rbacRulesOf,
  valueAt,
  type WorkloadKind,
  type WorkloadKinds,
  anyRollout,
} from '../workload/kind.ts';

/** A kind that the option `kinds` adds. */
export interface ConfiguredKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** JSON pointer at which replicas are read and written; undefined: they are written through `/scale`. */
  readonly replicasPath: string | undefined;
}

const shape =
  /^(?<group>[a-z0-9.-]+)\/(?<version>v[a-z0-9]+)\/(?<plural>[a-z][a-z0-9-]*)(?:=(?<path>(?:\/(?:[^/~,\s]|~0|~1)+)+))?$/;

/** `argoproj.io/v1alpha1/rollouts,example.com/v1/widgets=/spec/size` */
export function parseKinds(text: string): readonly ConfiguredKind[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  const parsed = items.map((item) => {
    const { group, version, plural, path } = shape.exec(item)?.groups ?? {};
    if (group === undefined || version === undefined || plural === undefined) {
      throw new Error(`"${item}" must be written as group/version/plural, such as argoproj.io/v1alpha1/rollouts`);
    }
    return { group, version, plural, replicasPath: path };
  });
  const names = parsed.map(({ group, plural }) => `${plural}.${group}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`${twice} is named twice`);
  return parsed;
}

/** What the API's discovery says of one resource. */
interface Discovered {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Where a CustomResourceDefinition has its replicas, unless the option says where. */
const usualReplicasPath = '/spec/replicas';

/**
 * The kinds that the option `kinds` adds to those of the package, as the API describes them. A kind that is not installed
 * is taken as it is named, and is followed from when it comes.
 *
 * @throws WorkloadScalerError `invalid-option` where the API has no such kind, or does not let it be read.
 */
export async function discoverKinds(
  client: KubeClient,
  { namespaces, logger }: Pick<ScalerContext, 'namespaces' | 'logger'>,
  configured: readonly ConfiguredKind[],
  brought: WorkloadKinds,
): Promise<WorkloadKinds> {
  return Promise.all(
    configured.map(async (one) => {
      const name = `${one.plural}.${one.group}`;
      if (brought.some(({ kind }) => qualifiedResource(kind) === name)) throw wrong(one, `${name} is scaled already`);
      const resources = await resourcesOf(client, one, logger);
      if (resources === undefined) return workloadKindOf(one, one.plural);
      const kind = workloadKindOf(one, described(one, resources).kind);
      await checkReadable(client, one, kind, namespaces?.[0]);
      return kind;
    }),
  );
}

function workloadKindOf({ group, version, plural, replicasPath }: ConfiguredKind, name: string): WorkloadKind {
  const path = replicasPath ?? usualReplicasPath;
  return {
    kind: customKind({ group, version, plural, kind: name, namespaced: true }),
    replicasPath: path,
    scaleOnly: replicasPath === undefined,
    pods: 'selected',
    mayNotObserve: true,
    optional: true,
    rollout: (object) => {
      const wanted = valueAt(object, path);
      return anyRollout(typeof wanted === 'number' ? wanted : 1, object);
    },
  };
}

/** Undefined: the group or its version is not there, or the API does not answer. */
async function resourcesOf(
  client: KubeClient,
  one: ConfiguredKind,
  logger: Logger,
): Promise<readonly Discovered[] | undefined> {
  try {
    const answer = await client.request('GET', `/apis/${one.group}/${one.version}`);
    return (answer as { resources?: readonly Discovered[] }).resources ?? [];
  } catch (error) {
    if (isKubeError(error, 'forbidden', 'unauthorized'))
      throw wrong(one, 'the API does not tell what its group has', error);
    if (!isKubeError(error)) throw error;
    const fields = { kind: text(one), code: error.code };
    if (error.code === 'not-found') logger.info('A kind is not installed; it is followed from when it comes', fields);
    else logger.warn('The API does not tell of a kind; it is followed as it is named', { ...fields, err: error });
    return undefined;
  }
}

function described(one: ConfiguredKind, resources: readonly Discovered[]): Discovered {
  const { group, version, plural, replicasPath } = one;
  const found = resources.find(({ name }) => name === plural);
  if (found === undefined) {
    const names = resources.flatMap(({ name }) => (name.includes('/') ? [] : [name]));
    throw wrong(one, `${group}/${version} has no ${plural}; it has ${names.join(', ') || 'nothing'}`);
  }
  if (!found.namespaced) throw wrong(one, `${plural}.${group} has no namespace`);
  if (replicasPath === undefined && !resources.some(({ name }) => name === `${plural}/scale`)) {
    throw wrong(one, `${plural}.${group} has no /scale; name the path of its replicas: ${text(one)}=/spec/replicas`);
  }
  return found;
}

async function checkReadable(
  client: KubeClient,
  one: ConfiguredKind,
  workloadKind: WorkloadKind,
  namespace: string | undefined,
): Promise<void> {
  try {
    // One label that nothing has: the answer is about the permission alone.
    const labelSelector = 'scaler/none=none';
    await client.list(workloadKind.kind, { namespace, labelSelector, pageSize: 1, trim: () => undefined });
  } catch (error) {
    if (!isKubeError(error, 'forbidden')) return;
    const needed = rbacRulesOf(workloadKind).map(
      ({ resources, verbs }) => `${verbs.join(', ')} on ${resources.join()}`,
    );
    throw wrong(one, `it must not be listed; its ClusterRole needs ${needed.join(' and ')} of ${one.group}`, error);
  }
}

function wrong(one: ConfiguredKind, why: string, cause?: unknown): WorkloadScalerError {
  return new WorkloadScalerError('invalid-option', `The scaler's option kinds names ${text(one)}: ${why}`, { cause });
}

function text({ group, version, plural }: ConfiguredKind): string {
  return `${group}/${version}/${plural}`;
}
