import { until } from '@scaler/command';
import { kubectl } from './kubectl.ts';

/** The namespace of the workloads under test. */
export const appNamespace = 'scaler-chart-apps';

/** How each workload goes to sleep. `pause` needs no metric, so modes that want one can be shown without. */
const annotations = {
  always: { 'scaler/routing': 'always', 'scaler/metrics': 'none', 'scaler/idle-after': '5s', 'scaler/cooldown': '0s' },
  selector: { 'scaler/routing': 'selector', 'scaler/pause': 'asleep', 'scaler/cooldown': '0s' },
  overlay: { 'scaler/routing': 'overlay', 'scaler/pause': 'asleep', 'scaler/cooldown': '0s' },
};
export type Mode = keyof typeof annotations;
export const modes = Object.keys(annotations) as Mode[];

const program =
  "const s=require('node:http').createServer((q,r)=>r.end('hello')).listen(8080);" +
  "process.on('SIGTERM',()=>setTimeout(()=>s.close(()=>process.exit(0)),2000))";
const security = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 1000,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

function pod(name: string, image: string, code: string, ports: object) {
  const container = {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '-e', code],
    securityContext: security,
  };
  return {
    terminationGracePeriodSeconds: 5,
    automountServiceAccountToken: false,
    containers: [{ ...container, ...ports }],
  };
}

/** Creates one Deployment with its Service for each mode, and a client pod that sends the requests. */
export async function createApps(image: string): Promise<void> {
  const ports = {
    ports: [{ name: 'web', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/', port: 'web' }, periodSeconds: 1 },
  };
  const items = modes.flatMap((name): object[] => [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: appNamespace, labels: { 'scaler/enabled': 'true' }, annotations: annotations[name] },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: pod(name, image, program, ports) },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: appNamespace },
      spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] },
    },
  ]);
  const client = pod('client', image, 'setInterval(()=>0,1e6)', {});
  items.push({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'client', namespace: appNamespace }, spec: client });
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/**
 * Creates workloads that stay at zero: one with a wrong annotation, from before the policy, and one with many replicas.
 */
export async function createOld(): Promise<void> {
  const large = { 'scaler/replicas': '150', 'scaler/pause': 'as-is' };
  const items = [
    atZero('old', { 'scaler/cooldown': 'soon' }, {}),
    atZero('large', large, { 'scaler/enabled': 'true' }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'headless', namespace: appNamespace },
      spec: { clusterIP: 'None', selector: { app: 'none' }, ports: [{ name: 'http', port: 80 }] },
    },
  ];
  await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

function atZero(name: string, annotated: Record<string, string>, labels: Record<string, string>): object {
  const template = { metadata: { labels: { app: name } }, spec: pod(name, 'none', '', {}) };
  const metadata = { name, namespace: appNamespace, annotations: annotated, labels };
  const spec = { replicas: 0, selector: { matchLabels: { app: name } }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec };
}

/** Sends one request by way of kube-proxy, on a new connection. */
export async function ask(mode: Mode): Promise<{ status: number; ms: number }> {
  const code = `const b=Date.now();fetch('http://${mode}/',{headers:{connection:'close'}}).then(async r=>{await r.text();console.log(JSON.stringify({status:r.status,ms:Date.now()-b}))})`;
  const said = await kubectl(['-n', appNamespace, 'exec', 'client', '--', 'node', '-e', code]);
  return JSON.parse(said) as { status: number; ms: number };
}

interface Deployed {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  spec: { replicas: number };
  status: { readyReplicas?: number };
}

export async function deployment(mode: Mode): Promise<Deployed> {
  return JSON.parse(await kubectl(['-n', appNamespace, 'get', 'deployment', mode, '-o', 'json'])) as Deployed;
}

/** Resolves with the milliseconds until all of them are at zero. */
export async function asleep(limitMs: number): Promise<number> {
  const beginMs = performance.now();
  await until('every workload to sleep', limitMs, async () => {
    const all = await Promise.all(modes.map((mode) => deployment(mode)));
    const isTrue = all.every(({ metadata, spec, status }) => {
      return metadata.labels['scaler/phase'] === 'asleep' && spec.replicas === 0 && !status.readyReplicas;
    });
    return isTrue || undefined;
  });
  return performance.now() - beginMs;
}
