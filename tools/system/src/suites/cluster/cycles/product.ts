import { type KubeClient, kinds } from '@scaler/kube';
import { apply, readyPod } from '../site/api.ts';
import { account, node, programDeployment, systemNamespace, uninstallHelpers } from '../site/helpers.ts';
import type { Release } from '../site/install.ts';
import { autoscalerRules, dlxRules } from '../site/rbac.ts';

/** The packages as they are published, in pods under their own accounts, without the chart. */
export function createPackedRelease(client: KubeClient, image: string, settleMs: number): Release {
  return {
    upgrade: () => install(client, image, settleMs),
    uninstall: () => uninstallHelpers(client),
  };
}

async function install(client: KubeClient, image: string, settleMs: number): Promise<void> {
  await apply(client, kinds.namespace, { metadata: { name: systemNamespace } });
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
    { name: 'dlx', image, replicas: 2, command: dlx, ports: dlxPorts, ready },
    { name: 'autoscaler', image, replicas: 2, command: autoscaler, ports: [infra], ready },
  ]) {
    await apply(client, kinds.deployment, programDeployment(program));
  }
  for (const app of ['dlx', 'autoscaler']) await readyPod(client, systemNamespace, app);
}
