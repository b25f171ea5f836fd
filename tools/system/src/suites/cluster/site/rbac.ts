import { customKind, type KubeObject } from '@scaler/kube';

export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

export const clusterRole = customKind<KubeObject & { rules: PolicyRule[] }>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
});
export const clusterRoleBinding = customKind<KubeObject & { roleRef: object; subjects: object[] }>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
});
export const serviceAccount = customKind({
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
});

const reads: PolicyRule[] = [
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets', 'replicasets'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes', 'gateways'], verbs: ['list', 'watch'] },
];
const events: PolicyRule = { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] };
const swap: PolicyRule = { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: ['patch'] };

/** The DLX wakes: it swaps workloads and writes nothing else. */
export const dlxRules: PolicyRule[] = [...reads, swap, { ...events, verbs: [...events.verbs, 'list'] }];

/** The autoscaler parks, wakes and writes routing. */
export const autoscalerRules: PolicyRule[] = [
  ...reads,
  swap,
  events,
  { apiGroups: [''], resources: ['services'], verbs: ['patch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['create', 'update', 'patch', 'delete'] },
  { apiGroups: ['elbv2.k8s.aws', 'eks.amazonaws.com'], resources: ['targetgroupbindings'], verbs: ['list', 'watch'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update', 'patch'] },
  { apiGroups: ['custom.metrics.k8s.io'], resources: ['*'], verbs: ['get', 'list'] },
];
