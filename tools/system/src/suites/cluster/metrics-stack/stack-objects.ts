import { node } from '../site/helpers.ts';
import { account, binding, configMap, deployment, metricsApi, podSpec, service } from '../site/manifests.ts';

const pods = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }];

export interface PrometheusParts {
  readonly image: string;
  /** `scrape_configs` with the discovery of pods. */
  readonly scrape: string;
  /** For a Prometheus without that discovery, what stands in for it: an image with Node.js, and the program's text. */
  readonly discovery?: { readonly image: string; readonly program: string };
}

/** Prometheus that scrapes every second; what it has stored ends with its pod. */
export function prometheusObjects(namespace: string, { image, scrape, discovery }: PrometheusParts): readonly object[] {
  const configs = discovery
    ? scrape.replace(
        /kubernetes_sd_configs: .*/,
        'http_sd_configs: [{ url: http://127.0.0.1:8090, refresh_interval: 1s }]',
      )
    : scrape;
  const data = {
    'prometheus.yml': `global: { scrape_interval: 1s, scrape_timeout: 1s }\n${configs}`,
    'pod-discovery.ts': discovery?.program ?? '',
  };
  const mount = { name: 'config', mountPath: '/etc/prometheus' };
  const prometheus = {
    name: 'prometheus',
    image,
    command: ['/bin/prometheus', '--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/data'],
    readinessProbe: { httpGet: { path: '/-/ready', port: 9090 }, periodSeconds: 1 },
    volumeMounts: [mount, { name: 'data', mountPath: '/data' }],
  };
  const discoverer = discovery && {
    name: 'discovery',
    image: discovery.image,
    command: [...node, '/etc/prometheus/pod-discovery.ts'],
    env: [
      { name: 'NAMESPACE', value: namespace },
      { name: 'NODE_EXTRA_CA_CERTS', value: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt' },
    ],
    volumeMounts: [mount],
  };
  return [
    ...account(namespace, 'prometheus', pods),
    configMap(namespace, 'prometheus', data),
    server(namespace, 'prometheus', [prometheus, ...(discoverer ? [discoverer] : [])], 'data'),
    service(namespace, 'prometheus', [{ port: 9090 }]),
  ];
}

/** The adapter with these rules and the rights that it needs for them. */
export function adapterObjects(namespace: string, image: string, rules: string): readonly object[] {
  const lists = [
    { apiGroups: [''], resources: ['namespaces', 'pods'], verbs: ['get', 'list'] },
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] },
  ];
  const args = [
    `--prometheus-url=http://prometheus.${namespace}.svc:9090`,
    '--config=/etc/adapter/config.yaml',
    '--secure-port=6443',
    '--cert-dir=/certs',
    '--metrics-relist-interval=2s',
    '--metrics-max-age=1h',
  ];
  const adapter = {
    name: 'adapter',
    image,
    command: ['/adapter', ...args],
    readinessProbe: { httpGet: { path: '/readyz', port: 6443, scheme: 'HTTPS' }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/adapter' },
      { name: 'certs', mountPath: '/certs' },
    ],
  };
  const subject = { namespace, name: 'adapter' };
  const name = `${namespace}-adapter-auth`;
  const reader = 'Role/extension-apiserver-authentication-reader';
  return [
    ...account(namespace, 'adapter', lists),
    binding('ClusterRoleBinding', { name }, 'ClusterRole/system:auth-delegator', subject),
    binding('RoleBinding', { name, namespace: 'kube-system' }, reader, subject),
    configMap(namespace, 'adapter', { 'config.yaml': rules }),
    server(namespace, 'adapter', [adapter], 'certs'),
    service(namespace, 'adapter', [{ port: 443, targetPort: 6443 }]),
  ];
}

/** Both versions of the API: the autoscaler takes the newer one. */
export function apiServices(namespace: string): readonly ReturnType<typeof metricsApi>[] {
  return [metricsApi('v1beta1', 100, namespace, 'adapter'), metricsApi('v1beta2', 200, namespace, 'adapter')];
}

/** With its ConfigMap as the volume `config`, and an empty one. */
function server(namespace: string, name: string, containers: Parameters<typeof podSpec>[0], empty: string): object {
  const volumes = [
    { name: 'config', configMap: { name } },
    { name: empty, emptyDir: {} },
  ];
  const more = { serviceAccountName: name, terminationGracePeriodSeconds: 1, volumes };
  return deployment(namespace, name, podSpec(containers, more));
}
