import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run, until } from '@scaler/command';
import { root } from '@scaler/chart';
import { sum } from '../../../harness/report.ts';
import { forNamespace } from '../site/manifests.ts';
import { baseImage } from '../site/find-kit.ts';
import type { Ground } from '../scenario.ts';
import { adapterObjects, apiServices, prometheusObjects, type PrometheusParts } from './stack-objects.ts';

/** Prometheus and prometheus-adapter in a namespace; the custom metrics API is the adapter's until the scenario ends. */
export interface Stack {
  /** The API's value of `deployments.apps/web`, or of all `pods/*` that a label selects; undefined: nothing. */
  value(object: string, metric: string, labelSelector?: string): Promise<number | undefined>;
  /** Ends Prometheus's pod and all it has stored; resolves when another one is ready. */
  restartPrometheus(): Promise<void>;
  /** 0: there is no adapter. */
  scaleAdapter(replicas: number): Promise<void>;
}

interface Listed {
  readonly items: readonly { readonly describedObject: { name: string }; readonly value: string }[];
}

export async function startStack(ground: Ground, namespace: string, said: Said): Promise<Stack> {
  const { kubectl, kube } = ground;
  const [prometheus, adapter] = await Promise.all([prometheusParts(ground, said), imageOf(ground, 'adapter')]);
  ground.later(() => kubectl(['delete', 'clusterrole,clusterrolebinding', ...forNamespace(namespace)]));
  ground.later(() => kubectl(['-n', 'kube-system', 'delete', 'rolebinding', ...forNamespace(namespace)]));
  await ground.apply([...prometheusObjects(namespace, prometheus), ...adapterObjects(namespace, adapter, said.rules)]);
  const ready = (name: string): Promise<string> =>
    kubectl(['-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=90s']);
  await Promise.all([ready('prometheus'), ready('adapter')]);
  await takeOver(ground, namespace);
  return {
    async value(object, metric, labelSelector) {
      const path = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/${object}/${metric}`;
      const query = labelSelector === undefined ? {} : { labelSelector };
      const answer = (await kube.request('GET', path, { query }).catch(() => undefined)) as Listed | undefined;
      if (!answer?.items.length) return undefined;
      return sum(answer.items, ({ value }) => quantity(value));
    },
    async restartPrometheus() {
      await kubectl(['-n', namespace, 'delete', 'pod', '-l', 'app=prometheus', '--grace-period=0', '--force']);
      await ready('prometheus');
    },
    async scaleAdapter(replicas) {
      await kubectl(['-n', namespace, 'scale', 'deployment/adapter', `--replicas=${replicas}`]);
      const there = async (): Promise<boolean> =>
        (await kubectl(['-n', namespace, 'get', 'pods', '-l', 'app=adapter', '-o', 'name'])) !== '';
      if (replicas > 0) await ready('adapter');
      else await until('the adapter to be gone', 30_000, async () => ((await there()) ? undefined : true));
    },
  };
}

/** `1500m` is 1.5. */
function quantity(text: string): number {
  return text.endsWith('m') ? Number(text.slice(0, -1)) / 1000 : Number(text);
}

/** The kit's is Debian's, which knows nothing of pods; one that is given does. */
async function prometheusParts(ground: Ground, { scrape }: Said): Promise<PrometheusParts> {
  const parts = { image: await imageOf(ground, 'prometheus'), scrape };
  if (process.env[variableOf('prometheus')]) return parts;
  const program = await readFile(new URL('pod-discovery.ts', import.meta.url), 'utf8');
  return { ...parts, discovery: { image: ground.images.app, program } };
}

function variableOf(name: string): string {
  return `E2E_IMAGE_${name.toUpperCase()}`;
}

/** Given, or the kit's own. */
async function imageOf({ kit }: Ground, name: 'prometheus' | 'adapter'): Promise<string> {
  const variable = variableOf(name);
  const given = process.env[variable];
  if (given) return given;
  const archive = join(dirname(baseImage), `${name}.tar`);
  if (!kit?.images || !existsSync(archive)) {
    throw new Error(
      `Set ${variable} to an image that the cluster's nodes can have, or build the kit's with "adapter".`,
    );
  }
  return kit.images.load(archive);
}

/** The server of the API until then gets it back. */
async function takeOver(ground: Ground, namespace: string): Promise<void> {
  for (const service of apiServices(namespace)) {
    const { name } = service.metadata;
    const before = await run('kubectl', ['get', 'apiservice', name, '-o', 'json']);
    ground.later(async () => {
      await ground.kubectl(['delete', 'apiservice', name, '--ignore-not-found']);
      if (before.code !== 0) return;
      const { spec, metadata } = JSON.parse(before.text) as { spec: object; metadata: { labels?: object } };
      await ground.apply([{ ...service, metadata: { name, labels: metadata.labels ?? {} }, spec }]);
    });
    if (before.code === 0) await ground.kubectl(['delete', 'apiservice', name]);
    await ground.apply([service]);
    await ground.kubectl(['wait', '--for=condition=Available', `apiservice/${name}`, '--timeout=60s']);
  }
}

/** The autoscaler's README about prometheus-adapter, for windows of another length: nothing else is tried. */
export interface Said {
  /** Prometheus's `scrape_configs`. */
  readonly scrape: string;
  /** The adapter's `rules`. */
  readonly rules: string;
  /** `scaler/metrics`, by what is asked. */
  readonly annotations: { readonly deployment: string; readonly pods: string };
}

const windowThere = '5m';

/** @throws where a block is not there. */
export async function saidByReadme(window: string): Promise<Said> {
  const readme = await readFile(join(root, 'packages/autoscaler/README.md'), 'utf8');
  const section = (name: string): string => {
    const text = new RegExp(`<!-- ${name} -->([\\s\\S]*?)<!-- /${name} -->`).exec(readme)?.[1];
    if (!text?.includes(name === 'adapter scrape' ? 'scrape_configs' : windowThere))
      throw new Error(`packages/autoscaler/README.md has no block "${name}"`);
    return text.replaceAll(windowThere, window);
  };
  const yaml = (name: string): string => /```yaml\n([\s\S]*?)```/.exec(section(name))?.[1] ?? '';
  const [deployment = '', pods = ''] = [...section('adapter annotations').matchAll(/\| `([^`]+)` +\|$/gm)].map(
    ([, annotation = '']) => annotation,
  );
  return { scrape: yaml('adapter scrape'), rules: yaml('adapter rules'), annotations: { deployment, pods } };
}
