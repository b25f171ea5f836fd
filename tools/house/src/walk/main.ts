import { join } from 'node:path';
import { get } from 'node:http';
import { commandLine, flag } from '@scaler/command';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { walked } from './walked.ts';

const { values } = commandLine({
  name: 'npm run walk',
  doc: 'The files that a tick, a park and a cold request go through, by the coverage of the real programs on an embedded cluster.',
  options: { files: flag('names them') },
  examples: { '': 'how many, by package', '--files': 'each of them' },
});

const namespace = 'walk';
const intervalMs = 500;
const windowSeconds = 1;

const system = await startEmbeddedSystem({
  images: { app: createEchoImage() },
  settleMs: 100,
  autoscalerArgs: [`--scale-interval=${intervalMs}ms`, '--cooldown=1ms'],
  nodeArgs: () => ['--import', join(import.meta.dirname, 'preload.js')],
});
let isIdle = false;
const metric = { namespace, resource: 'deployments.apps', name: 'web', metric: `requests_per_${windowSeconds}s` };
system.api.metrics.set({ ...metric, value: () => (isIdle ? '0' : '1'), windowSeconds });
const phase = (): string | undefined =>
  system.api.store.find('apps/v1/deployments', namespace, 'web')?.metadata.labels?.['scaler/phase'];

try {
  await system.deployment(namespace, 'web', {
    ...{ image: 'app', port: 8080, labels: { 'scaler/enabled': 'true' } },
    annotations: { 'scaler/routing': 'selector', 'scaler/metrics': `${metric.metric}<=0`, 'scaler/cooldown': '1ms' },
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
  });
  await system.service(namespace, 'web', { port: 80, targetPort: 8080, portName: 'http' });
  await system.waitFor(() => phase() === 'awake' && system.proxy.backends(namespace, 'web', 80).length === 1);
  // Until its ports are allotted and all is at rest.
  await pause(4 * intervalMs);

  await walked(system, 'autoscaler');
  await pause(2 * intervalMs);
  show('a tick', { autoscaler: await walked(system, 'autoscaler') });

  await Promise.all([walked(system, 'autoscaler'), walked(system, 'dlx')]);
  isIdle = true;
  await system.waitFor(() => phase() === 'asleep', { timeoutMs: 30_000 });
  show('a park', { autoscaler: await walked(system, 'autoscaler'), dlx: await walked(system, 'dlx') });

  await pause(4 * intervalMs);
  isIdle = false;
  await walked(system, 'dlx');
  await ask(system);
  show('a cold request', { dlx: await walked(system, 'dlx') });
} finally {
  await system.close();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function ask({ serviceUrl }: EmbeddedSystem): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = get(serviceUrl(namespace, 'web', 80), { agent: false }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`The request was answered ${response.statusCode}`));
      });
    });
    asked.once('error', reject);
  });
}

function show(what: string, programs: Readonly<Record<string, ReadonlyMap<string, string[]>>>): void {
  for (const [program, packages] of Object.entries(programs)) {
    const counts = [...packages].map(([name, files]) => `${name} ${files.length}`);
    const sum = [...packages.values()].reduce((all, { length }) => all + length, 0);
    console.log(`${what}, in the ${program}: ${sum} files (${counts.join(', ')})`);
    if (values.files) for (const file of [...packages.values()].flat()) console.log(`  ${file}`);
  }
}
