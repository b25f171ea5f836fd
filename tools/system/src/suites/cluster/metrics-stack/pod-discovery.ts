/**
 * Runs beside a Prometheus that was built without its discovery of pods, as Debian's was: tells over HTTP on 8090 what
 * `kubernetes_sd_configs: [{ role: pod }]` would find in NAMESPACE, under the same labels.
 */
import { readFile } from 'node:fs/promises';
import http from 'node:http';

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly spec: {
    readonly containers: readonly { readonly ports?: readonly { name?: string; containerPort: number }[] }[];
  };
  readonly status: { readonly podIP?: string; readonly phase: string };
}

const env = process.env;
const url = `https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}/api/v1/namespaces/${env['NAMESPACE']}/pods`;

async function pods(): Promise<readonly Pod[]> {
  const token = await readFile('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { items: readonly Pod[] }).items;
}

function targets({ metadata, spec, status }: Pod): readonly object[] {
  const { podIP, phase } = status;
  if (podIP === undefined) return [];
  const controller = metadata.ownerReferences?.find((owner) => owner.controller);
  return spec.containers
    .flatMap(({ ports = [] }) => ports)
    .map(({ name = '', containerPort }) => ({
      targets: [`${podIP}:${containerPort}`],
      labels: {
        __meta_kubernetes_namespace: metadata.namespace,
        __meta_kubernetes_pod_name: metadata.name,
        __meta_kubernetes_pod_phase: phase,
        __meta_kubernetes_pod_container_port_name: name,
        __meta_kubernetes_pod_controller_kind: controller?.kind ?? '',
        __meta_kubernetes_pod_controller_name: controller?.name ?? '',
      },
    }));
}

const server = http.createServer(async (_, response) => {
  try {
    const found = (await pods()).flatMap(targets);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(found));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});
server.listen(8090, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
