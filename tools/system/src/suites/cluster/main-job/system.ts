import { customKind, type Deployment, type KubeClient, type KubeObject, kinds } from '@scaler/kube';
import { apply, readyPod, remove } from '../site/api.ts';
import { autoscalerRules, clusterRole, clusterRoleBinding, dlxRules, type PolicyRule, serviceAccount } from './rbac.ts';

/** Where the product and its helpers run. */
export const systemNamespace = 'scaler-e2e';

const node = ['node', '--disable-warning=ExperimentalWarning'];
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
  readyPath?: string;
  secretMount?: string;
  /** The node that it has to be on. */
  nodeName?: string | undefined;
}

/** A Deployment of one of our own programs, restricted as in production. */
function programDeployment({
  name,
  image,
  replicas,
  command,
  ports,
  readyPath,
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
              ...(readyPath && {
                readinessProbe: { httpGet: { path: readyPath, port: 'infra' }, periodSeconds: 1 },
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

async function account(client: KubeClient, name: string, rules: PolicyRule[]): Promise<void> {
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

/** The metrics API, and a client pod; on this node, where one is named. */
export async function installHelpers(client: KubeClient, image: string, nodeName?: string): Promise<void> {
  await apply(client, kinds.namespace, { metadata: { name: systemNamespace } });
  await account(client, 'load', []);
  await installMetricsApi(client, image, nodeName);
  const load = [...node, 'programs/load.ts'];
  await apply(
    client,
    kinds.deployment,
    programDeployment({ name: 'load', image, replicas: 1, command: load, ports: [], nodeName }),
  );
}

export interface Installation {
  image: string;
  settleMs: number;
  dlxReplicas: number;
}

/** Both apps in pods under their own accounts, and the helpers. */
export async function install(client: KubeClient, { image, settleMs, dlxReplicas }: Installation): Promise<void> {
  await installHelpers(client, image);
  await account(client, 'dlx', dlxRules);
  await account(client, 'autoscaler', autoscalerRules);
  const common = [
    '--identity=$(POD_NAME)',
    `--dlx-service=${systemNamespace}/dlx`,
    '--infra-host=0.0.0.0',
    `--scaler-option=settle=${settleMs}ms`,
  ];
  const infra = { name: 'infra', containerPort: 8081 };
  const dlxPorts = [{ name: 'http', containerPort: 8080 }, infra];
  await apply(client, kinds.service, {
    metadata: { name: 'dlx', namespace: systemNamespace },
    spec: {
      selector: { app: 'dlx' },
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'infra', port: 8081, targetPort: 8081 },
      ],
    },
  });
  const dlx = [...node, 'node_modules/.bin/scaler-dlx', ...common, '--listen-host=0.0.0.0'];
  const autoscaler = [
    ...node,
    'node_modules/.bin/scaler-autoscaler',
    ...common,
    `--lease-namespace=${systemNamespace}`,
    '--scale-interval=1s',
    '--cooldown=2s',
  ];
  const ready = '/readyz';
  for (const program of [
    { name: 'dlx', image, replicas: dlxReplicas, command: dlx, ports: dlxPorts, readyPath: ready },
    { name: 'autoscaler', image, replicas: 2, command: autoscaler, ports: [infra], readyPath: ready },
  ]) {
    await apply(client, kinds.deployment, programDeployment(program));
  }
  for (const app of ['metrics', 'load', 'dlx', 'autoscaler']) await readyPod(client, systemNamespace, app);
}

/** Takes away everything that {@link install} or {@link installHelpers} made. */
export async function uninstall(client: KubeClient): Promise<void> {
  await remove(client, apiService, apiServiceName);
  for (const name of ['dlx', 'autoscaler', 'load', 'metrics']) {
    await remove(client, clusterRoleBinding, `scaler-e2e-${name}`);
    await remove(client, clusterRole, `scaler-e2e-${name}`);
  }
  await remove(client, kinds.namespace, systemNamespace);
}
