import { TestingKitError } from '../../../errors.ts';
import type { Store } from '../../api/store/store.ts';
import { replicaSetsOf } from './deployment-controller.ts';
import { type Deployment, deployments, type Labels } from '../objects.ts';
import { rolledBackAnnotations } from './revisions.ts';
import { templateHashLabel } from './template-hash.ts';

/**
 * `kubectl rollout undo`: the Deployment gets the template of the revision before and that ReplicaSet's annotations,
 * old values included. Labels and replicas stay.
 *
 * @throws TestingKitError `no-rollback` if there is no such Deployment, or no revision before.
 */
export function rolloutUndo(store: Store, namespace: string, name: string): void {
  const deployment = store.find<Deployment>(deployments, namespace, name);
  if (deployment === undefined) throw new TestingKitError('no-rollback', `there is no Deployment ${namespace}/${name}`);
  const before = replicaSetsOf(store, deployment).at(-2);
  if (before === undefined)
    throw new TestingKitError('no-rollback', `Deployment ${namespace}/${name} has no revision before this one`);
  const labels: Labels = { ...before.spec.template.metadata?.labels };
  delete labels[templateHashLabel];
  const template = { ...before.spec.template, metadata: { ...before.spec.template.metadata, labels } };
  store.update(deployments, {
    ...deployment,
    metadata: { ...deployment.metadata, annotations: rolledBackAnnotations(deployment, before) },
    spec: { ...deployment.spec, template },
  });
}
