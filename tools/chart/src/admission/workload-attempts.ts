import { type Accounts, annotated, type Attempt, created, deployment, patched, type Write } from './attempt.ts';
import { appNamespace } from '../sleepers.ts';

/** Writes of workloads and Events with the stolen tokens of the two accounts. */
export function workloadAttempts(accounts: Accounts, namespace: string): Attempt[] {
  return [...workloadWrites(accounts, namespace), ...widerReplicas(accounts), ...events(accounts)];
}

const labelled = (labels: object): Write => deployment({ metadata: { labels } });
const specified = (spec: object): Write => deployment({ spec });

function workloadWrites({ autoscaler, dlx, person }: Accounts, namespace: string): Attempt[] {
  const image = specified({ template: { spec: { containers: [{ name: 'always', image: 'evil' }] } } });
  const own = "scaler's own accounts";
  const owners = [{ apiVersion: 'v1', kind: 'Secret', name: 'x', uid: 'x' }];
  const notOptedIn = patched(namespace, 'deployment/scaler-dlx', { spec: { replicas: 9 } });
  const strategy = { type: 'Recreate', rollingUpdate: null };
  return [
    autoscaler('replicas by the autoscaler', specified({ replicas: 2 })),
    dlx('replicas by the DLX', specified({ replicas: 2 })),
    dlx('no replicas by the DLX', specified({ replicas: 0 }), 'takes no replicas away'),
    autoscaler('an image by the autoscaler', image, own),
    dlx('an image by the DLX', image, own),
    autoscaler('paused by the autoscaler', specified({ paused: true }), own),
    autoscaler('minReadySeconds by the autoscaler', specified({ minReadySeconds: 9 }), own),
    autoscaler('strategy by the autoscaler', specified({ strategy }), own),
    dlx('a label that is not scaler’s own', labelled({ team: 'x' }), 'no labels'),
    autoscaler('opting out', labelled({ 'scaler/enabled': null }), 'no labels'),
    person('a label of scaler’s own, by a person', labelled({ 'scaler/port-x-1': '1' })),
    autoscaler('an annotation that is not scaler’s own', annotated({ note: 'x' }), 'no annotations'),
    autoscaler('an owner', deployment({ metadata: { ownerReferences: owners } }), 'no owners'),
    autoscaler('a workload that is not opted in', notOptedIn, 'opted in'),
  ];
}

/** More replicas than the owner asked for, at once or in two steps; `always` has or had two, and the bound is one. */
function widerReplicas({ autoscaler, dlx }: Accounts): Attempt[] {
  const large = (replicas: number): Write => patched(appNamespace, 'deployment/large', { spec: { replicas } });
  const recorded = (state: string): Write => annotated({ 'scaler/state': state });
  const noMore = 'no more replicas';
  return [
    dlx('one more replica by the DLX', specified({ replicas: 3 }), noMore),
    autoscaler('one more replica by the autoscaler', specified({ replicas: 3 }), noMore),
    dlx('as many as its owner wants', large(150)),
    dlx('more than its owner wants', large(151), noMore),
    autoscaler('a record of as many', recorded('{"epoch":"e","replicas":2,"by":"\\"replicas\\":900"}')),
    autoscaler('a record of more', recorded('{"replicas":3,"by":""}'), noMore),
    autoscaler('a record of more beside one of few', recorded('{"replicas":1,"replicas":1000,"by":""}'), noMore),
    autoscaler('a record of more in other digits', recorded('{"replicas":1e3,"by":""}'), noMore),
    autoscaler('a record of more behind a space', recorded('{"replicas": 1000,"by":""}'), noMore),
    autoscaler('a record of more under an escaped name', recorded('{"replicas":1,"\\u0072eplicas":1000}'), noMore),
  ];
}

function events({ autoscaler, dlx }: Accounts): Attempt[] {
  const event = (component: string): Write =>
    created({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'attempt', namespace: appNamespace },
      involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'always', namespace: appNamespace },
      ...{
        reason: 'Attempt',
        message: 'attempt',
        type: 'Normal',
        source: { component },
        reportingComponent: component,
      },
    });
  return [
    dlx('an Event of scaler', event('scaler')),
    autoscaler("an Event in kubelet's name", event('kubelet'), 'in the name of scaler'),
  ];
}
