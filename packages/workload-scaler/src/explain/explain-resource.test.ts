import { afterEach, expect, test } from '@jest/globals';
import { createEchoImage, type EmbeddedCluster, startEmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import { connectKube } from '@scaler/kube';
import { type Explanation, type ResourceScaler, systemClock } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import type { Dependencies } from '../dependencies.ts';
import { createScaler } from '../scaler.ts';
import { bothKinds } from '../testing/kinds.ts';
import { createWarnings } from './explain.ts';

const namespace = 'shop';
const program = (text: string) => ({ command: [process.execPath, '-e', text] });
const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(): Promise<{ cluster: EmbeddedCluster; scaler: ResourceScaler }> {
  const images = { echo: createEchoImage(), broken: program('console.error("no database"); process.exit(3)') };
  const cluster = await startEmbeddedCluster({ images, backOffMs: 40 });
  closing.push(() => cluster.close());
  const client = await connectKube({ kubeconfig: cluster.kubeconfigPath, userAgent: 'test', logger: silentLogger });
  const scaler = createScaler(
    client,
    {
      ...{ role: 'dlx', identity: 'test', namespaces: undefined, dlxService: undefined, options: {} },
      ...{ logger: silentLogger, clock: systemClock },
    },
    bothKinds,
  );
  closing.push(() => scaler.close?.());
  return { cluster, scaler };
}

const labels = { 'scaler/enabled': 'true' };

/** Asks, as the DLX does while a request is held, until the answer is so. */
async function explained(
  scaler: ResourceScaler,
  name: string,
  is: (told: Explanation) => boolean,
): Promise<Explanation> {
  const endMs = performance.now() + 8_000;
  for (;;) {
    const told = await scaler.explain?.({ namespace, name });
    if (told !== undefined && is(told)) return told;
    if (performance.now() > endMs) throw new Error(`told in vain: ${JSON.stringify(told)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a pod whose image is not there is hopeless at once, a crash loop once it has been tried three times', async () => {
  const { cluster, scaler } = await start();
  await cluster.deployment(namespace, 'pull', { image: 'nowhere:1', labels });
  await cluster.deployment(namespace, 'crash', { image: 'broken', labels });
  const pull = await explained(scaler, 'pull', () => true);
  expect(pull).toMatchObject({ hopeless: true, reason: expect.stringMatching(/^(ErrImagePull|ImagePullBackOff)$/) });
  expect(pull.text).toMatch(/^Its image cannot be pulled: .*no such image/);
  const hopeful = await explained(scaler, 'crash', ({ text }) => text.includes('exited with 3'));
  expect(hopeful.text).toContain('no database');
  const crash = await explained(scaler, 'crash', ({ hopeless }) => hopeless);
  expect(crash.reason).toBe('CrashLoopBackOff');
  expect(crash.text).toMatch(
    /^Its container ends again and again: \S+ exited with 3 \(Error\): no database, \d restarts\.$/,
  );
});

test('a pod without a node is explained and not given up; one that does not get ready is explained by its Events', async () => {
  const { cluster, scaler } = await start();
  const readinessProbe = { tcpSocket: { port: 1 }, periodSeconds: 1 };
  await cluster.deployment(namespace, 'unready', { image: 'echo', labels, readinessProbe });
  const unready = await explained(scaler, 'unready', () => true);
  expect(unready).toMatchObject({ hopeless: false, reason: 'NotReady' });
  expect(unready.text).toMatch(/readiness check does not pass yet\.$/);
  const [pod] = cluster.api.store.list('v1/pods', { namespace }).items;
  const involvedObject = { kind: 'Pod', namespace, name: pod?.metadata.name, uid: pod?.metadata.uid };
  const event = (name: string, change: object): Promise<unknown> =>
    cluster.apply({
      ...{ apiVersion: 'v1', kind: 'Event', metadata: { namespace, name }, involvedObject, type: 'Warning' },
      ...{ lastTimestamp: new Date().toISOString(), ...change },
    });
  const old = new Date(Date.now() - 600_000).toISOString();
  await event('old', { reason: 'FailedMount', message: 'secret "tls" not found', lastTimestamp: old });
  await event('now', { reason: 'Unhealthy', message: 'Readiness probe failed: dial tcp: connection refused' });
  expect(await explained(scaler, 'unready', ({ reason }) => reason === 'Unhealthy')).toEqual({
    hopeless: false,
    reason: 'Unhealthy',
    text: 'Its pod runs, and its check does not pass: Readiness probe failed: dial tcp: connection refused.',
  });
  cluster.node.cordon();
  await cluster.deployment(namespace, 'none', { image: 'echo', labels });
  expect(await explained(scaler, 'none', () => true)).toMatchObject({ hopeless: false, reason: 'Unschedulable' });
  expect(await scaler.explain?.({ namespace, name: 'unknown' })).toBeUndefined();
});

test('Events are read every 2 s at most, and not where they must not be', async () => {
  const clock = createFakeClock();
  let reads = 0;
  let code = 'unavailable';
  const list = (): Promise<never> => {
    reads += 1;
    return Promise.reject(Object.assign(new Error('no'), { name: 'KubeError', code }));
  };
  const deps = { client: { list }, clock, logger: silentLogger } as unknown as Dependencies;
  const warnings = createWarnings(deps);
  const ask = async (): Promise<number> => {
    expect(await warnings.last(namespace, 'uid', new AbortController().signal)).toBeUndefined();
    return reads;
  };
  expect([await ask(), await ask()]).toEqual([1, 1]);
  await clock.advance(2_000);
  code = 'forbidden';
  expect(await ask()).toBe(2);
  await clock.advance(299_000);
  expect(await ask()).toBe(2);
  await clock.advance(1_000);
  expect(await ask()).toBe(3);
});
