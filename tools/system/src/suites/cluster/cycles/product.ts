import { kubectl } from '@scaler/chart';
import { node, programObject, systemNamespace, uninstallHelpers } from '../site/helpers.ts';
import type { Release } from '../site/install.ts';
import { account, apply, namespaceObject, service } from '../site/manifests.ts';

const reads = ['get', 'list', 'watch'];
const common = [
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets', 'replicasets'], verbs: reads },
  { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: reads },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: reads },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: reads },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes', 'gateways'], verbs: ['list', 'watch'] },
  // A swap of a workload's token.
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: ['patch'] },
];

/** The DLX wakes: it swaps workloads and writes nothing else. */
const dlxRules = [...common, { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'list'] }];

/** The autoscaler parks, wakes and writes routing. */
const autoscalerRules = [
  ...common,
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: [''], resources: ['services'], verbs: ['patch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['create', 'update', 'patch', 'delete'] },
  { apiGroups: ['elbv2.k8s.aws', 'eks.amazonaws.com'], resources: ['targetgroupbindings'], verbs: ['list', 'watch'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update', 'patch'] },
  { apiGroups: ['custom.metrics.k8s.io'], resources: ['*'], verbs: ['get', 'list'] },
];

/** The packages as they are published, in pods under their own accounts, without the chart. */
export function createPackedRelease(image: string, settleMs: number): Release {
  return { upgrade: () => install(image, settleMs), uninstall: uninstallHelpers };
}

async function install(image: string, settleMs: number): Promise<void> {
  const flags = [
    '--identity=$(POD_NAME)',
    `--dlx-service=${systemNamespace}/dlx`,
    '--infra-host=0.0.0.0',
    `--scaler-option=settle=${settleMs}ms`,
  ];
  const own = [`--lease-namespace=${systemNamespace}`, '--scale-interval=1s', '--cooldown=2s'];
  const infra = { name: 'infra', containerPort: 8081 };
  const program = { image, replicas: 2, ready: '/readyz' };
  await apply([
    namespaceObject(systemNamespace),
    ...account(systemNamespace, 'dlx', dlxRules),
    ...account(systemNamespace, 'autoscaler', autoscalerRules),
    service(systemNamespace, 'dlx', [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'infra', port: 8081, targetPort: 8081 },
    ]),
    programObject({
      ...{ ...program, name: 'dlx', ports: [{ name: 'http', containerPort: 8080 }, infra] },
      command: [...node, 'node_modules/.bin/scaler-dlx', ...flags, '--listen-host=0.0.0.0'],
    }),
    programObject({
      ...{ ...program, name: 'autoscaler', ports: [infra] },
      command: [...node, 'node_modules/.bin/scaler-autoscaler', ...flags, ...own],
    }),
  ]);
  for (const app of ['dlx', 'autoscaler'])
    await kubectl(['-n', systemNamespace, 'rollout', 'status', `deployment/${app}`, '--timeout=60s']);
}
