import { customKind, type Deployment, type KubeClient, type KubeObject, kinds } from '@scaler/kube';
import { apply, remove } from './api.ts';
import { clusterRole, clusterRoleBinding, type PolicyRule, serviceAccount } from './rbac.ts';

/** Where the client's pods run, and in the main job the product. */
export const systemNamespace = 'scaler-e2e';

export const node = ['node', '--disable-warning=ExperimentalWarning'];
const apiService = customKind<KubeObject & { spec: object }>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
});
const apiServiceName = 'v1beta2.custom.metrics.k8s.io';
const secret = customKind<KubeObject & { stringData: Record<string, string> }>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
});

interface Program {
  name: string;
  image: string;
  replicas: number;
  command: string[];
  ports: { name: string; containerPort: number }[];
  /** The path of its last port that says whether it is ready. */
  ready?: string;
  secretMount?: string;
  /** The node that it has to be on. */
  nodeName?: string | undefined;
}

/** A Deployment of one of our own programs, restricted as in production. */
export function programDeployment({
  name,
  image,
  replicas,
  command,
  ports,
  ready,
  secretMount,
  nodeName,
}: Program): Deployment {
  const labels = { app: name };
  return {
    metadata: { name, namespace: systemNamespace, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          ...(nodeName && { nodeName }),
          terminationGracePeriodSeconds: 30,
          securityContext: { runAsNonRoot: true, runAsUser: 1000 },
          containers: [
            {
              name,
              image,
              imagePullPolicy: 'IfNotPresent',
              command,
              ports,
              env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              ...(ready && {
                readinessProbe: { httpGet: { path: ready, port: ports.at(-1)?.name ?? '' }, periodSeconds: 1 },
              }),
              ...(secretMount && { volumeMounts: [{ name: 'secret', mountPath: secretMount, readOnly: true }] }),
            },
          ],
          ...(secretMount && { volumes: [{ name: 'secret', secret: { secretName: name } }] }),
        },
      },
    },
  } as Deployment;
}

export async function account(client: KubeClient, name: string, rules: PolicyRule[]): Promise<void> {
  await apply(client, serviceAccount, { metadata: { name, namespace: systemNamespace } });
  const metadata = { name: `scaler-e2e-${name}` };
  await apply(client, clusterRole, { metadata, rules });
  await apply(client, clusterRoleBinding, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: systemNamespace }],
  });
}

async function installMetricsApi(client: KubeClient, image: string, nodeName?: string): Promise<void> {
  const { generate } = await import('selfsigned');
  const pems = await generate([{ name: 'commonName', value: `metrics.${systemNamespace}.svc` }]);
  const metadata = { name: 'metrics', namespace: systemNamespace };
  await account(client, 'metrics', []);
  await apply(client, secret, { metadata, stringData: { 'tls.key': pems.private, 'tls.crt': pems.cert } });
  const ports = [{ name: 'https', containerPort: 6443 }];
  await apply(
    client,
    kinds.deployment,
    programDeployment({
      name: 'metrics',
      image,
      replicas: 1,
      command: [...node, 'programs/custom-metrics.ts'],
      ports,
      secretMount: '/tls',
      nodeName,
    }),
  );
  const service = { selector: { app: 'metrics' }, ports: [{ name: 'https', port: 443, targetPort: 6443 }] };
  await apply(client, kinds.service, { metadata, spec: service });
  await apply(client, apiService, {
    metadata: { name: apiServiceName },
    spec: {
      group: 'custom.metrics.k8s.io',
      version: 'v1beta2',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { name: 'metrics', namespace: systemNamespace, port: 443 },
    },
  });
}

/** The metrics API, and the client's pod; on this node, where one is named. */
export async function installHelpers(client: KubeClient, image: string, nodeName?: string): Promise<void> {
  await apply(client, kinds.namespace, { metadata: { name: systemNamespace } });
  await installMetricsApi(client, image, nodeName);
  await account(client, 'client', []);
  const own = {
    ...{ name: 'client', image, replicas: 1, nodeName },
    command: [...node, 'programs/client.ts'],
    ports: [{ name: 'control', containerPort: 9000 }],
    ready: '/flows',
  };
  await apply(client, kinds.deployment, programDeployment(own));
}

/** Takes away everything that {@link installHelpers} made, and the programs beside them. */
export async function uninstallHelpers(client: KubeClient): Promise<void> {
  await remove(client, apiService, apiServiceName);
  for (const name of ['dlx', 'autoscaler', 'client', 'metrics']) {
    await remove(client, clusterRoleBinding, `scaler-e2e-${name}`);
    await remove(client, clusterRole, `scaler-e2e-${name}`);
  }
  await remove(client, kinds.namespace, systemNamespace);
}
