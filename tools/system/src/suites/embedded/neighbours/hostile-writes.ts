import type { KubeObject, NewObject } from '@scaler/testing-kit/kubernetes';

export interface HostileWrite {
  readonly name: string;
  readonly object: NewObject;
}

/** The host of a tenant's workload on the shared port. */
export function hostOf({ namespace = '' }: { readonly namespace?: string }): string {
  return `${namespace}.test`;
}

type Texts = Readonly<Record<string, string>>;

/** The annotations of one object may have 256 KiB together, a limit of the API server itself. */
const annotationBytes = 250_000;

/**
 * One round of writes of a tenant with `edit` in its namespace: the worst texts, shares, and copies of our own state.
 *
 * @param victims the other tenants' workloads, in their present state.
 * @param round makes the texts of each round differ from the last.
 */
export function hostileWrites(
  namespace: string,
  victims: readonly KubeObject[],
  round: number,
): readonly HostileWrite[] {
  const workload = (name: string, annotations: Texts, labels: Texts = {}): HostileWrite => ({
    name,
    object: deployment(namespace, name, annotations, labels),
  });
  return [
    ...texts(round).map(([name, annotations]) => workload(name, annotations)),
    ...largeServices(namespace, round),
    ...['shares', 'ports', 'texts'].map((name) =>
      workload(name, { 'scaler/idle-after': '1s', 'scaler/routing': 'always' }),
    ),
    ...[1, 2, 3, 4].flatMap((i) => [
      workload(`settles-${i}`, { 'scaler/settle': '1000h', 'scaler/idle-after': '1s', 'scaler/routing': 'always' }),
      { name: `settles-${i}`, object: service(namespace, `settles-${i}`, 1) },
    ]),
    ...victims.flatMap((victim, i) => claims(namespace, victim, i)),
  ];
}

/**
 * Services with more ports than can be diverted, and with nearly all ports there are: another object each time.
 */
export function largeServices(namespace: string, round: number): readonly HostileWrite[] {
  return [
    { name: 'texts', object: service(namespace, 'texts', 10_000, round) },
    { name: 'shares', object: service(namespace, 'shares', 90, round) },
    { name: 'shares', object: service(namespace, 'ports', 990, round) },
  ];
}

/** Texts that cost more than they weigh. */
function texts(round: number): readonly (readonly [name: string, annotations: Texts])[] {
  const many = (count: number, item: (i: number) => string, between = ','): string =>
    Array.from({ length: count }, (_, i) => item(i))
      .join(between)
      .slice(0, annotationBytes);
  return [
    ['digits', { 'scaler/metrics': `requests_per_1s<=${round}${'9'.repeat(240_000)}` }],
    ['tcp-ports', { 'scaler/tcp-ports': many(50_000, (i) => i.toString(36)) }],
    ['quiet', { 'scaler/quiet': `[${many(10_000, (i) => `{"path":"/${i}"}`)}]` }],
    ['hosts', { 'scaler/hosts': many(15_000, (i) => `h${i}.test`) }],
    ['nested', { 'scaler/metrics': `${'['.repeat(120_000)}` }],
    ['wording', { 'scaler/pause': `${round}${'x'.repeat(200_000)}`, 'scaler/veto': `${round}`.repeat(8_000) }],
    ['unknown', Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [`scaler/u${round}-${i}`, 'x']))],
    ['times', { 'scaler/hold-timeout': '99999999h', 'scaler/idle-timeout': '0', 'scaler/cooldown': '1e9h' }],
  ];
}

/** Claims to the ports, phase, host and path of another tenant. */
function claims(namespace: string, { metadata }: KubeObject, index: number): readonly HostileWrite[] {
  const { labels = {}, annotations = {} } = metadata;
  const ours = (all: Texts): Texts =>
    Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('scaler/')));
  const name = `copy-${index}`;
  const backend = { service: { name, port: { number: 80 } } };
  const host = hostOf(metadata);
  return [
    {
      name: 'copied labels',
      object: deployment(namespace, name, { ...ours(annotations), 'scaler/hosts': host }, ours(labels)),
    },
    { name: 'copied labels', object: service(namespace, name, 1) },
    {
      name: 'an Ingress of no class',
      object: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { namespace, name },
        spec: {
          ingressClassName: 'of-no-controller',
          rules: [{ host, http: { paths: [{ path: '/login', pathType: 'Exact', backend }] } }],
        },
      },
    },
  ];
}

function deployment(namespace: string, name: string, annotations: Texts, labels: Texts): NewObject {
  const app = { app: name };
  const container = { name: 'app', image: 'app', ports: [{ name: 'http', containerPort: 8080 }] };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: { 'scaler/enabled': 'true', ...labels }, annotations },
    spec: {
      replicas: 0,
      selector: { matchLabels: app },
      template: { metadata: { labels: app }, spec: { containers: [container] } },
    },
  };
}

function service(namespace: string, name: string, ports: number, round = 0): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, annotations: { round: String(round) } },
    spec: {
      selector: { app: name },
      ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: 80 + i, targetPort: 8080 })),
    },
  };
}
