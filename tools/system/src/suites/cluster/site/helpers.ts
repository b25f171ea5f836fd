import { run } from '@scaler/command';
import {
  account,
  apply,
  deployment,
  forNamespace,
  metricsApi,
  namespaceObject,
  podSpec,
  service,
} from './manifests.ts';

/** Where the client's pod runs, and in the main job the product. */
export const systemNamespace = 'scaler-e2e';

export const node = ['node', '--disable-warning=ExperimentalWarning'];
const metrics = metricsApi('v1beta2', 100, systemNamespace, 'client');

export interface Program {
  readonly name: string;
  readonly image: string;
  readonly replicas: number;
  readonly command: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  /** The path of its last port that says whether it is ready. */
  readonly ready: string;
  /** Where the Secret of its name is. */
  readonly secretMount?: string;
  /** The node that it has to be on. */
  readonly nodeName?: string | undefined;
}

/** A Deployment of one of our own programs, restricted as in production. */
export function programObject(program: Program): object {
  const { name, image, replicas, command, ports, ready, secretMount, nodeName } = program;
  const container = {
    ...{ name, image, command, ports },
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    readinessProbe: { httpGet: { path: ready, port: ports.at(-1)?.name }, periodSeconds: 1 },
    ...(secretMount && { volumeMounts: [{ name: 'secret', mountPath: secretMount, readOnly: true }] }),
  };
  const pod = podSpec([container], {
    serviceAccountName: name,
    ...(nodeName && { nodeName }),
    ...(secretMount && { volumes: [{ name: 'secret', secret: { secretName: name } }] }),
  });
  return deployment(systemNamespace, name, pod, { spec: { replicas } });
}

/** The client's pod, which serves the metrics API too; on this node, where one is named. */
export async function installHelpers(image: string, nodeName?: string): Promise<void> {
  const { generate } = await import('selfsigned');
  const pems = await generate([{ name: 'commonName', value: `client.${systemNamespace}.svc` }]);
  await apply([
    namespaceObject(systemNamespace),
    ...account(systemNamespace, 'client', []),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'client', namespace: systemNamespace },
      stringData: { 'tls.key': pems.private, 'tls.crt': pems.cert },
    },
    programObject({
      ...{ name: 'client', image, replicas: 1, nodeName, ready: '/flows', secretMount: '/tls' },
      command: [...node, 'programs/client.ts'],
      ports: [
        { name: 'https', containerPort: 6443 },
        { name: 'control', containerPort: 9000 },
      ],
    }),
    service(systemNamespace, 'client', [{ name: 'https', port: 443, targetPort: 6443 }]),
    metrics,
  ]);
}

/** Takes away everything that {@link installHelpers} made, and the programs beside them. */
export async function uninstallHelpers(): Promise<void> {
  await run('kubectl', ['delete', 'apiservice', metrics.metadata.name, '--ignore-not-found']);
  await run('kubectl', ['delete', 'clusterrole,clusterrolebinding', ...forNamespace(systemNamespace)]);
  await run('kubectl', ['delete', 'namespace', systemNamespace, '--wait=false', '--ignore-not-found']);
}
