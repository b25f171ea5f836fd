/** Whatever a manifest says. */
type Manifest = object;

interface ApiService {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

const rbac = 'rbac.authorization.k8s.io';

const pods = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }];

export interface PrometheusParts {
  readonly image: string;
  /** `scrape_configs` with the discovery of pods. */
  readonly scrape: string;
  /** For a Prometheus without that discovery, what stands in for it: an image with Node.js, and the program's text. */
  readonly discovery?: { readonly image: string; readonly program: string };
}

/** Prometheus that scrapes every second; what it has stored ends with its pod. */
export function prometheusObjects(
  namespace: string,
  { image, scrape, discovery }: PrometheusParts,
): readonly Manifest[] {
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
    command: ['node', '--disable-warning=ExperimentalWarning', '/etc/prometheus/pod-discovery.ts'],
    env: [
      { name: 'NAMESPACE', value: namespace },
      { name: 'NODE_EXTRA_CA_CERTS', value: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt' },
    ],
    volumeMounts: [mount],
  };
  return [
    ...account(namespace, 'prometheus', pods),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'prometheus', namespace }, data },
    deployment(namespace, 'prometheus', [prometheus, ...(discoverer ? [discoverer] : [])], 'data'),
    service(namespace, 'prometheus', { port: 9090 }),
  ];
}

/** The adapter with these rules and the rights that it needs for them. */
export function adapterObjects(namespace: string, image: string, rules: string): readonly Manifest[] {
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
  return [
    ...account(namespace, 'adapter', lists),
    binding(
      'ClusterRoleBinding',
      { name: `${namespace}-adapter-auth` },
      namespace,
      'ClusterRole/system:auth-delegator',
    ),
    binding(
      'RoleBinding',
      { name: `${namespace}-adapter-auth`, namespace: 'kube-system' },
      namespace,
      'Role/extension-apiserver-authentication-reader',
    ),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'adapter', namespace }, data: { 'config.yaml': rules } },
    deployment(namespace, 'adapter', [adapter], 'certs'),
    service(namespace, 'adapter', { port: 443, targetPort: 6443 }),
  ];
}

/** Both versions of the API: the autoscaler takes the newer one. */
export function apiServices(namespace: string): readonly ApiService[] {
  return ['v1beta1', 'v1beta2'].map((version) => ({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.custom.metrics.k8s.io` },
    spec: {
      group: 'custom.metrics.k8s.io',
      version,
      groupPriorityMinimum: 100,
      versionPriority: version === 'v1beta2' ? 200 : 100,
      insecureSkipTLSVerify: true,
      service: { name: 'adapter', namespace, port: 443 },
    },
  }));
}

/** A ServiceAccount with these rights in every namespace. */
function account(namespace: string, name: string, rules: readonly object[]): readonly Manifest[] {
  const metadata = { name: `${namespace}-${name}`, labels: { for: namespace } };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata, rules },
    binding('ClusterRoleBinding', metadata, namespace, `ClusterRole/${metadata.name}`, name),
  ];
}

function binding(kind: string, metadata: object, namespace: string, role: string, name = 'adapter'): Manifest {
  const [roleKind, roleName] = role.split('/');
  return {
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: { ...metadata, labels: { for: namespace } },
    roleRef: { apiGroup: rbac, kind: roleKind, name: roleName },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  };
}

/** With its ConfigMap as the volume `config`, and an empty one. */
function deployment(namespace: string, name: string, containers: readonly object[], empty: string): Manifest {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          terminationGracePeriodSeconds: 1,
          securityContext: { runAsNonRoot: true, runAsUser: 1000 },
          containers: containers.map((one) => ({ imagePullPolicy: 'IfNotPresent', ...one })),
          volumes: [
            { name: 'config', configMap: { name } },
            { name: empty, emptyDir: {} },
          ],
        },
      },
    },
  };
}

function service(namespace: string, name: string, port: object): Manifest {
  const metadata = { name, namespace };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: name }, ports: [port] } };
}
