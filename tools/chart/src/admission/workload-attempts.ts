import { type Accounts, annotated, type Attempt, create, deployment, patched } from './attempt.ts';
import { appNamespace } from '../sleepers.ts';

/** Writes of workloads and Events with the stolen tokens of the two accounts. */
export function workloadAttempts({ autoscaler, dlx }: Accounts, namespace: string): Attempt[] {
  return [
    ...workloadWrites({ autoscaler, dlx }, namespace),
    ...widerReplicas(autoscaler, dlx),
    ...events(autoscaler, dlx),
  ];
}

function workloadWrites({ autoscaler, dlx }: Accounts, namespace: string): Attempt[] {
  const image = { spec: { template: { spec: { containers: [{ name: 'always', image: 'evil' }] } } } };
  const own = "scaler's own accounts";
  return [
    { what: 'replicas by the autoscaler', as: autoscaler, args: deployment({ spec: { replicas: 2 } }) },
    { what: 'replicas by the DLX', as: dlx, args: deployment({ spec: { replicas: 2 } }) },
    {
      what: 'no replicas by the DLX',
      as: dlx,
      args: deployment({ spec: { replicas: 0 } }),
      refused: 'takes no replicas away',
    },
    { what: 'an image by the autoscaler', as: autoscaler, args: deployment(image), refused: own },
    { what: 'an image by the DLX', as: dlx, args: deployment(image), refused: own },
    ...[{ paused: true }, { minReadySeconds: 9 }, { strategy: { type: 'Recreate', rollingUpdate: null } }].map(
      (spec) => ({
        what: `${Object.keys(spec)[0]} by the autoscaler`,
        as: autoscaler,
        args: deployment({ spec }),
        refused: own,
      }),
    ),
    {
      what: 'a label that is not scaler’s own',
      as: dlx,
      args: deployment({ metadata: { labels: { team: 'x' } } }),
      refused: 'no labels',
    },
    {
      what: 'opting out',
      as: autoscaler,
      args: deployment({ metadata: { labels: { 'scaler/enabled': null } } }),
      refused: 'no labels',
    },
    {
      what: 'a label of scaler’s own, by a person',
      args: deployment({ metadata: { labels: { 'scaler/port-x-1': '1' } } }),
    },
    {
      what: 'an annotation that is not scaler’s own',
      as: autoscaler,
      args: annotated({ note: 'x' }),
      refused: 'no annotations',
    },
    {
      what: 'an owner',
      as: autoscaler,
      args: deployment({ metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'x', uid: 'x' }] } }),
      refused: 'no owners',
    },
    {
      what: 'a workload that is not opted in',
      as: autoscaler,
      args: patched(namespace, 'deployment/scaler-dlx', { spec: { replicas: 9 } }),
      refused: 'opted in',
    },
  ];
}

/** More replicas than the owner asked for, at once or in two steps; `always` has or had two, and the bound is one. */
function widerReplicas(autoscaler: string, dlx: string): Attempt[] {
  const scaled = (replicas: number): string[] => deployment({ spec: { replicas } });
  const recorded = (state: string): string[] => deployment({ metadata: { annotations: { 'scaler/state': state } } });
  const refused = { as: autoscaler, refused: 'no more replicas' };
  return [
    { what: 'one more replica by the DLX', as: dlx, args: scaled(3), refused: 'no more replicas' },
    { what: 'one more replica by the autoscaler', ...refused, args: scaled(3) },
    { what: 'as many as its owner wants', as: dlx, args: large({ spec: { replicas: 150 } }) },
    {
      what: 'more than its owner wants',
      as: dlx,
      args: large({ spec: { replicas: 151 } }),
      refused: 'no more replicas',
    },
    {
      what: 'a record of as many',
      as: autoscaler,
      args: recorded('{"epoch":"e","replicas":2,"by":"\\"replicas\\":900"}'),
    },
    { what: 'a record of more', ...refused, args: recorded('{"replicas":3,"by":""}') },
    {
      what: 'a record of more beside one of few',
      ...refused,
      args: recorded('{"replicas":1,"replicas":1000,"by":""}'),
    },
    { what: 'a record of more in other digits', ...refused, args: recorded('{"replicas":1e3,"by":""}') },
    { what: 'a record of more behind a space', ...refused, args: recorded('{"replicas": 1000,"by":""}') },
    {
      what: 'a record of more under an escaped name',
      ...refused,
      args: recorded('{"replicas":1,"\\u0072eplicas":1000}'),
    },
  ];
}

const large = (patch: object): string[] => patched(appNamespace, 'deployment/large', patch);

function events(autoscaler: string, dlx: string): Attempt[] {
  const event = (component: string): object => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'attempt', namespace: appNamespace },
    involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'always', namespace: appNamespace },
    ...{ reason: 'Attempt', message: 'attempt', type: 'Normal', source: { component }, reportingComponent: component },
  });
  return [
    { what: 'an Event of scaler', as: dlx, args: create, input: event('scaler') },
    {
      what: "an Event in kubelet's name",
      as: autoscaler,
      args: create,
      input: event('kubelet'),
      refused: 'in the name of scaler',
    },
  ];
}
