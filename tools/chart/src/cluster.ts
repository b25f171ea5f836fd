import { run, until } from '@scaler/command';
import { checkBounds } from './admission/bounds.ts';
import { checkScope } from './scope.ts';
import { rendered, valueSets } from './helm.ts';
import { helm, kubectl } from './kubectl.ts';
import type { Problems } from './offline.ts';
import { chart } from './places.ts';
import { appNamespace, ask, asleep, createApps, createOld, deployment, modes } from './sleepers.ts';

type Say = (line: string) => void;

const namespace = 'scaler-system';
const monitoring = { servicemonitors: 'ServiceMonitor', podmonitors: 'PodMonitor', prometheusrules: 'PrometheusRule' };
const crdNames = Object.keys(monitoring).map((plural) => `${plural}.monitoring.coreos.com`);
const restricted = 'pod-security.kubernetes.io/enforce=restricted';

function images(): { registry: string; tag: string } {
  const [, registry = '', tag = ''] = /^(.*):([^:/]+)$/.exec(process.env['IMAGES'] ?? 'localhost:dev') ?? [];
  return { registry, tag };
}

function install(...more: string[]): Promise<string> {
  const { registry, tag } = images();
  const set = [
    `images.registry=${registry}`,
    `images.autoscaler.tag=${tag}`,
    `images.dlx.tag=${tag}`,
    'uninstall.grace=30s',
    // With 1 a wake may ask for no more replicas than were recorded.
    'admission.accounts.replicas=1',
  ];
  const flags = [...set, ...more].flatMap((one) => ['--set', one]);
  return helm(['upgrade', '--install', 'scaler', chart, '-n', namespace, '--wait', '--timeout', '2m', ...flags]);
}

/**
 * Runs all checks on the cluster of KUBECONFIG, one after the other, with the images REGISTRY/scaler-autoscaler:TAG and
 * REGISTRY/scaler-dlx:TAG, which its nodes have (`IMAGES=REGISTRY:TAG`, default `localhost:dev`). A failure ends them, and the objects that were made are deleted. */
export async function checkCluster(say: Say): Promise<Problems> {
  const problems: Problems = [];
  try {
    for (const name of [namespace, 'shop', appNamespace]) await kubectl(['create', 'namespace', name]);
    for (const name of [namespace, appNamespace]) await kubectl(['label', 'namespace', name, restricted]);
    problems.push(...(await dryRuns(say)));
    await createOld();
    const beginMs = performance.now();
    await install();
    say(`helm install in a namespace of restricted Pod Security: ready after ${seconds(performance.now() - beginMs)}`);
    await sizes(say);
    const { registry, tag } = images();
    await createApps(`${registry}/scaler-dlx:${tag}`);
    say(`${modes.join(', ')}: asleep after ${seconds(await asleep(120_000))}`);
    problems.push(...(await firstAnswer(say)));
    problems.push(...(await checkBounds(namespace, say)));
    await roundByHelm(say);
    problems.push(...(await refusedRights('the cluster')));
    await asleep(120_000);
    problems.push(...(await uninstallAsleep(say)));
    problems.push(...(await byNamespaces(say)));
  } catch (error) {
    problems.push((error as Error).message);
  } finally {
    await run('helm', ['uninstall', 'scaler', '-n', namespace, '--wait', '--timeout', '3m']);
    for (const name of [appNamespace, 'shop', namespace]) await run('kubectl', ['delete', 'namespace', name, '--wait']);
  }
  return problems;
}

/**
 * Applies every value set to the real API server; kinds of the Prometheus operator as stubs, where it is not installed.
 */
async function dryRuns(say: Say): Promise<Problems> {
  const problems: Problems = [];
  const items = Object.entries(monitoring).map(crd);
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const made = await run('kubectl', ['create', '-f', '-'], { input });
  await kubectl(['wait', '--for=condition=Established', 'crd', ...crdNames]);
  const sets = await valueSets();
  for (const set of sets) {
    const objects = { input: await rendered(set) };
    const { code, text } = await run('kubectl', ['create', '--dry-run=server', '-f', '-'], objects);
    const refusals = text.split('\n').filter((line) => !line.includes('created (server dry run)'));
    if (code !== 0) problems.push(`${set}: ${refusals.join('\n')}`);
  }
  if (made.code === 0) await kubectl(['delete', 'crd', ...crdNames]);
  say(`server-side dry-run: ${sets.length - problems.length} of ${sets.length} value sets accepted`);
  return problems;
}

function crd([plural, kind]: [string, string]): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

/** Memory at rest, and how long a new pod takes from the start of its process until it is ready. */
async function sizes(say: Say): Promise<void> {
  for (const app of ['autoscaler', 'dlx']) {
    const selector = ['-n', namespace, '-l', `app.kubernetes.io/component=${app}`];
    const names = async (): Promise<string[]> =>
      (await kubectl(['get', 'pods', ...selector, '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ');
    const [old = '', ...others] = await names();
    await kubectl(['-n', namespace, 'delete', 'pod', old, '--wait=false']);
    const fresh = await until(`a new pod of ${app}`, 30_000, async () =>
      (await names()).find((name) => name !== old && !others.includes(name)),
    );
    const raw = (path: string) =>
      kubectl(['get', '--raw', `/api/v1/namespaces/${namespace}/pods/${fresh}:8081/proxy${path}`]);
    await until(`${fresh} to be ready`, 30_000, () => raw('/readyz'));
    const readyAt = Date.now();
    await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', `pod/${fresh}`, '--timeout=60s']);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const metrics = await raw('/metrics');
    const value = (name: string): number => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(metrics)?.[1]);
    const startedAt = value('process_start_time_seconds') * 1000;
    const rss = value('process_resident_memory_bytes');
    say(`${app}: start to ready within ${seconds(readyAt - startedAt)}, ${(rss / 1e6).toFixed(0)} MB at rest`);
  }
  await kubectl(['-n', namespace, 'rollout', 'status', 'deployment/scaler-dlx', '--timeout=60s']);
}

async function firstAnswer(say: Say): Promise<Problems> {
  const { status, ms } = await ask('always');
  say(`the first request to a sleeper: ${status} after ${ms} ms`);
  return status === 200 ? [] : [`the first request to a sleeper is answered ${status}`];
}

async function roundByHelm(say: Say): Promise<void> {
  const beginMs = performance.now();
  await helm(['test', 'scaler', '-n', namespace, '--timeout', '5m']);
  say(`helm test: a round of park and wake in ${seconds(performance.now() - beginMs)}`);
}

/** Rights that the apps do without, with a log line, where they are not granted. */
const optional = /Namespaces must not be read|ingressclasses|gatewayclasses/;

/**
 * Requests of either app that the API refused for lack of a right. A release of some namespaces does without their
 * annotations.
 */
async function refusedRights(scope: string): Promise<Problems> {
  const selector = ['-l', 'app.kubernetes.io/part-of=scaler', '--prefix', '--tail=-1', '--max-log-requests=20'];
  const lines = (await kubectl(['-n', namespace, 'logs', ...selector])).split('\n');
  const refused = lines.filter((line) => /is forbidden|"forbidden"/.test(line) && !optional.test(line));
  return refused.slice(0, 3).map((line) => `a right is missing in the scope of ${scope}: ${line}`);
}

/** Uninstalls while all sleep: no Service stays diverted, every workload is up, and requests meanwhile are answered. */
async function uninstallAsleep(say: Say): Promise<Problems> {
  const problems: Problems = [];
  const beginMs = performance.now();
  let over = false;
  let asked = 0;
  // Of `always` alone: a pause `asleep` answers 503 on purpose.
  const asking = (async () => {
    while (!over) {
      const { status } = await ask('always').catch((error: Error) => ({ status: error.message }));
      asked += 1;
      if (status !== 200) problems.push(`during the uninstall a request is answered ${status}`);
    }
  })();
  await helm(['uninstall', 'scaler', '-n', namespace, '--wait', '--timeout', '5m']);
  const tookMs = performance.now() - beginMs;
  over = true;
  await asking;
  for (const mode of modes) {
    const { metadata, spec, status } = await deployment(mode);
    const left = [...Object.keys(metadata.labels), ...Object.keys(metadata.annotations)].filter((key) =>
      /^scaler\/(phase|epoch|state|port-)/.test(key),
    );
    if (spec.replicas !== 2 || status.readyReplicas !== 2)
      problems.push(`${mode} has ${status.readyReplicas ?? 0} of 2 replicas after the uninstall`);
    if (left.length > 0) problems.push(`${mode} still has ${left.join(', ')}`);
    if ((await ask(mode)).status !== 200) problems.push(`${mode} does not answer after the uninstall`);
  }
  const selectors = await kubectl(['get', 'services', '-A', '-o', 'jsonpath={.items[*].spec.selector}']);
  if (selectors.includes('scaler/asleep')) problems.push(`a Service is still diverted: ${selectors}`);
  const ours = ['-l', 'endpointslice.kubernetes.io/managed-by=scaler'];
  const slices = await kubectl(['get', 'endpointslices', '-A', ...ours, '-o', 'name']);
  if (slices !== '') problems.push(`slices are left: ${slices}`);
  say(
    `helm uninstall while ${modes.length} sleep: ${seconds(tookMs)}, ${asked} requests meanwhile, ${problems.length} problems`,
  );
  return problems;
}

/** The same with Roles in one namespace: the apps park and wake there, and may read nothing elsewhere. */
async function byNamespaces(say: Say): Promise<Problems> {
  await install('scope.type=namespaces', `scope.namespaces={${appNamespace}}`);
  const problems = await checkScope(namespace, appNamespace, 'shop');
  const sleptMs = await asleep(120_000);
  const { status } = await ask('always');
  if (status !== 200) problems.push(`in the scope of one namespace the first request is answered ${status}`);
  problems.push(...(await refusedRights('one namespace')));
  say(`scope of one namespace: asleep after ${seconds(sleptMs)}, ${status}, ${problems.length} problems with rights`);
  return problems;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
