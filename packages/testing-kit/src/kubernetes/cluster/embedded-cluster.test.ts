import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createFakeClock } from '../../clock.ts';
import type { EchoAnswer } from '../../upstreams/echo-app.ts';
import { echoAppPath } from '../../upstreams/echo-app-path.ts';
import { createEchoImage, type EchoImage } from '../echo-image.ts';
import { type EmbeddedCluster, type EmbeddedClusterOptions, startEmbeddedCluster } from './embedded-cluster.ts';
import type { DeploymentOptions } from './manifests.ts';
import type { Deployment, EndpointSlice, Pod } from './objects.ts';
import { conditionOf, isReady } from './object-state.ts';

const port = 8080;
let cluster: EmbeddedCluster;
let echo: EchoImage;
const sockets: Socket[] = [];

async function start(options: EmbeddedClusterOptions = {}): Promise<EmbeddedCluster> {
  echo = createEchoImage();
  const program = { command: [process.execPath, '--disable-warning=ExperimentalWarning', echoAppPath()] };
  cluster = await startEmbeddedCluster({ ...options, images: { fast: echo, app: program, ...options.images } });
  return cluster;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await cluster.close();
  expect(cluster.problems).toEqual([]);
});

const pods = (): Pod[] => cluster.api.store.list('v1/pods').items as unknown as Pod[];
const readyPods = (count: number) => (): boolean => pods().filter(isReady).length === count && pods().length === count;
const scale = (replicas: number): void =>
  void cluster.api.store.patch('apps/v1/deployments', 'default', 'app', {
    type: 'merge',
    body: { spec: { replicas } },
  });
const probe = { httpGet: { path: '/healthz', port }, periodSeconds: 1 };

async function run(options: Partial<DeploymentOptions> = {}): Promise<string> {
  await cluster.deployment('default', 'app', { image: 'fast', port, readinessProbe: probe, ...options });
  await cluster.service('default', 'app', { port });
  const wanted = options.replicas ?? 1;
  await cluster.waitFor(() => readyPods(wanted)() && cluster.proxy.backends('default', 'app', port).length === wanted);
  return cluster.serviceUrl('default', 'app', port);
}

async function ask(url: string): Promise<EchoAnswer> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return (await response.json()) as EchoAnswer;
}

async function dial(url: string): Promise<Socket> {
  const { hostname, port: number } = new URL(url);
  const socket = connect({ host: hostname, port: Number(number) });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    return cause?.code ?? String(error);
  }
  return 'none';
}

describe('the embedded cluster', () => {
  test('runs a Deployment of in-process servers behind a Service, down to zero and back', async () => {
    await start();
    const url = await run({ replicas: 2 });
    const seen = new Set<string>();
    for (let i = 0; i < 60 && seen.size < 2; i++) seen.add((await ask(url)).identity);
    expect([...seen].sort()).toEqual(
      pods()
        .map((pod) => pod.metadata.name)
        .sort(),
    );
    const [podIP] = pods().map((pod) => pod.status?.podIP);
    scale(0);
    await cluster.waitFor(() => pods().length === 0 && cluster.proxy.backends('default', 'app', port).length === 0);
    expect(await failure(ask(url))).toBe('ECONNRESET');
    expect(await failure(ask(`http://${podIP}:${port}`))).toBe('ECONNREFUSED');
    expect(cluster.processes()).toEqual([]);
    scale(1);
    await cluster.waitFor(() => cluster.proxy.backends('default', 'app', port).length === 1);
    expect((await ask(url)).identity).toBe(pods()[0]?.metadata.name);
    const deployment = cluster.api.store.get('apps/v1/deployments', 'default', 'app') as unknown as Deployment;
    expect(deployment.status?.observedGeneration).toBe(deployment.metadata.generation);
  });

  test('runs real processes, sees them die, and leaves none behind', async () => {
    await start();
    const url = await run({ image: 'app', replicas: 1, env: { DELAY_MS: '1' } });
    expect((await ask(url)).identity).toBe(pods()[0]?.metadata.name);
    const [first] = cluster.processes();
    cluster.kill('default', first!.pod);
    await cluster.waitFor(() => pods()[0]?.status?.containerStatuses?.[0]?.restartCount === 1 && readyPods(1)());
    expect(pods()[0]?.status?.containerStatuses?.[0]?.lastState.terminated).toMatchObject({ exitCode: 137, signal: 9 });
    const [second] = cluster.processes();
    expect(second?.pid).not.toBe(first?.pid);
    await cluster.close();
    for (const { pid } of [first!, second!]) expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
    expect(existsSync(cluster.kubeconfigPath)).toBe(false);
  });

  test('ends a pod gracefully: not ready first, the hook, SIGTERM, what is in flight, and then the object', async () => {
    await start();
    const url = await run({ preStopSeconds: 1 });
    echo.behaviour.delayMs = 0;
    const slow = await dial(url);
    slow.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab');
    await cluster.waitFor(() => cluster.proxy.counters('default', 'app').active === 1);
    scale(0);
    const slices = (): EndpointSlice[] =>
      cluster.api.store.list('discovery.k8s.io/v1/endpointslices').items as unknown as EndpointSlice[];
    await cluster.waitFor(() => slices()[0]?.endpoints?.[0]?.conditions?.terminating);
    expect(slices()[0]?.endpoints?.[0]?.conditions).toEqual({ ready: false, serving: true, terminating: true });
    // While the hook runs the listener is open, and as the only endpoint a terminating one is used.
    expect((await ask(url)).count).toBe(2);
    const [podIP] = pods().map((pod) => pod.status?.podIP);
    while ((await failure(ask(`http://${podIP}:${port}`))) !== 'ECONNREFUSED') await cluster.waitFor(() => true);
    expect(pods()).toHaveLength(1);
    const answer = once(slow, 'data');
    slow.write('cd');
    expect(String(await answer)).toMatch(/^HTTP\/1\.1 200/);
    await cluster.waitFor(() => pods().length === 0);
  });

  test('kills a process that outlives its grace period', async () => {
    const program = `process.on('SIGTERM', () => {}); require('net').createServer().listen(${port}, process.env.POD_IP)`;
    await start({ images: { stubborn: { command: [process.execPath, '-e', program] } } });
    await cluster.deployment('default', 'app', {
      image: 'stubborn',
      terminationGracePeriodSeconds: 1,
      readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    });
    await cluster.waitFor(readyPods(1));
    const [{ pid } = {}] = cluster.processes();
    let last: Pod | undefined;
    cluster.api.store.watch('v1/pods', ({ object }) => (last = object as unknown as Pod));
    scale(0);
    await cluster.waitFor(() => pods().length === 0);
    expect(last?.status?.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 137, signal: 9 });
    expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
  });

  test('shows why a pod does not start', async () => {
    await start({
      backOffMs: 40,
      images: { broken: { command: [process.execPath, '-e', 'console.error("oh no"); process.exit(3)'] } },
    });
    await cluster.deployment('default', 'pull', { image: 'nowhere:1' });
    await cluster.deployment('default', 'crash', { image: 'broken' });
    const state = (app: string) =>
      pods().find((pod) => pod.metadata.labels?.['app'] === app)?.status?.containerStatuses?.[0];
    await cluster.waitFor(() => state('pull')?.state.waiting?.reason === 'ImagePullBackOff');
    await cluster.waitFor(() => state('crash')?.state.waiting?.reason === 'CrashLoopBackOff');
    expect(state('crash')?.lastState.terminated).toMatchObject({ exitCode: 3, message: 'oh no\n' });
    cluster.images['nowhere:1'] = echo;
    await cluster.waitFor(() => state('pull')?.state.running);
    cluster.node.cordon();
    await cluster.deployment('default', 'none', { image: 'fast' });
    const waiting = await cluster.waitFor(() =>
      pods().find((pod) => conditionOf(pod, 'PodScheduled')?.status === 'False'),
    );
    expect(conditionOf(waiting, 'PodScheduled')).toMatchObject({ reason: 'Unschedulable' });
    cluster.node.uncordon();
    await cluster.waitFor(() => state('none')?.state.running);
  });

  test('is ready by probes: http, tcp and exec', async () => {
    await start();
    echo.behaviour.readyAfterMs = 300;
    await cluster.deployment('default', 'http', { image: 'fast', port, readinessProbe: probe });
    await cluster.deployment('default', 'tcp', {
      image: 'fast',
      port,
      readinessProbe: { tcpSocket: { port: 'http' } },
    });
    await cluster.deployment('default', 'yes', { image: 'fast', readinessProbe: { exec: { command: ['true'] } } });
    await cluster.deployment('default', 'no', { image: 'fast', readinessProbe: { exec: { command: ['false'] } } });
    const ready = (): string[] =>
      pods()
        .filter(isReady)
        .map((pod) => pod.metadata.labels!['app']!)
        .sort();
    await cluster.waitFor(() => ready().join() === 'tcp,yes');
    await cluster.waitFor(() => ready().join() === 'http,tcp,yes');
  });

  test('merges what is applied twice, and creates the namespace', async () => {
    await start();
    await cluster.service('shop', 'web', { port: 81 });
    const before = cluster.serviceUrl('shop', 'web', 81);
    const after = await cluster.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'web', labels: { a: 'b' } },
    });
    expect(after).toMatchObject({ metadata: { labels: { a: 'b' } }, spec: { selector: { app: 'web' } } });
    expect(cluster.serviceUrl('shop', 'web', 81)).toBe(before);
  });
});

test('processes die with the program that runs the cluster, even if that is killed', async () => {
  const program = `
    import { startEmbeddedCluster } from ${JSON.stringify(new URL('./embedded-cluster.ts', import.meta.url).href)};
    const cluster = await startEmbeddedCluster({ images: { idle: { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] } } });
    await cluster.deployment('default', 'app', { image: 'idle' });
    await cluster.waitFor(() => cluster.processes().length === 1);
    console.log(cluster.processes()[0].pid);
  `;
  const flags = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const child = spawn(process.execPath, [...flags, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number(String(line));
    expect(process.kill(pid, 0)).toBe(true);
    child.kill('SIGKILL');
    await expect(gone(pid)).resolves.toBe(true);
  } finally {
    child.kill('SIGKILL');
  }
});

async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 300; i++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

test('everything of the cluster follows an injected clock', async () => {
  const clock = createFakeClock();
  await start({ clock, startDelayMs: 5_000, controllerLagMs: { replicaset: 1_000 }, proxyLagMs: 700 });
  await cluster.deployment('default', 'app', { image: 'fast', port });
  await cluster.service('default', 'app', { port });
  const backends = (): number => cluster.proxy.backends('default', 'app', port).length;
  const advance = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    for (let i = 0; i < 30; i++) await clock.advance(0);
  };
  await advance(999);
  expect(pods()).toHaveLength(0);
  await advance(1);
  expect(pods()[0]?.status?.phase).toBe('Pending');
  await advance(4_999);
  expect(cluster.processes()).toEqual([]);
  await advance(1);
  await cluster.waitFor(readyPods(1));
  await advance(699);
  expect(backends()).toBe(0);
  await advance(1);
  expect(backends()).toBe(1);
});

describe('a Service', () => {
  const slice = (name: string, address: string): object => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name,
      labels: { 'kubernetes.io/service-name': 'app', 'endpointslice.kubernetes.io/managed-by': 'me' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: '', port, protocol: 'TCP' }],
  });

  test('joins all its slices, whatever manages them', async () => {
    await start();
    const url = await run();
    await cluster.deployment('default', 'dlx', { image: 'fast', port });
    const other = await cluster.waitFor(() =>
      pods().find((pod) => pod.metadata.labels?.['app'] === 'dlx' && isReady(pod)),
    );
    await cluster.apply(slice('mine', other.status!.podIP!));
    await cluster.waitFor(() => cluster.proxy.backends('default', 'app', port).length === 2);
    const seen = new Set<string>();
    for (let i = 0; i < 60 && seen.size < 2; i++) seen.add((await ask(url)).identity);
    expect(seen.size).toBe(2);
  });

  test('resets a client whose endpoint refuses, without trying another', async () => {
    await start();
    const url = await run();
    scale(0);
    await cluster.waitFor(() => pods().length === 0);
    await cluster.apply(slice('mine', '127.0.0.1'));
    await cluster.apply({ ...slice('mine', '127.0.0.1'), ports: [{ name: '', port: 1, protocol: 'TCP' }] });
    await cluster.waitFor(() => cluster.proxy.backends('default', 'app', port)[0] === '127.0.0.1:1');
    expect(await failure(ask(url))).toBe('ECONNRESET');
    expect(cluster.proxy.counters('default', 'app')).toMatchObject({ refused: 1, withoutEndpoint: 0 });
  });

  test('keeps an established connection with its pod while new ones go elsewhere', async () => {
    await start();
    const url = await run();
    const [before] = pods().map((pod) => pod.metadata.name);
    const kept = await dial(url);
    const exchange = async (): Promise<string> => {
      const answer = once(kept, 'data');
      kept.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      return String(await answer);
    };
    expect(await exchange()).toContain(before);
    await cluster.deployment('default', 'dlx', { image: 'fast', port });
    const other = await cluster.waitFor(() =>
      pods().find((pod) => pod.metadata.labels?.['app'] === 'dlx' && isReady(pod)),
    );
    await cluster.apply(slice('mine', other.status!.podIP!));
    const selector = { app: 'app', asleep: 'x' };
    cluster.api.store.patch('v1/services', 'default', 'app', { type: 'merge', body: { spec: { selector } } });
    await cluster.waitFor(() => cluster.proxy.backends('default', 'app', port).length === 1);
    expect((await ask(url)).identity).toBe(other.metadata.name);
    expect(await exchange()).toContain(before);
  });

  test('is seen late by a lagging proxy and not at all by a frozen one', async () => {
    await start();
    await run();
    const late = await cluster.addProxy({ lagMs: 300 });
    const frozen = await cluster.addProxy();
    await cluster.waitFor(() => late.backends('default', 'app', port).length === 1);
    frozen.freeze();
    scale(0);
    await cluster.waitFor(() => cluster.proxy.backends('default', 'app', port).length === 0);
    expect(late.backends('default', 'app', port)).toHaveLength(1);
    await cluster.waitFor(() => late.backends('default', 'app', port).length === 0);
    expect(frozen.backends('default', 'app', port)).toHaveLength(1);
    expect(await failure(ask(cluster.serviceUrl('default', 'app', port, frozen)))).toBe('ECONNRESET');
    expect(frozen.counters('default', 'app').refused).toBe(1);
    frozen.thaw();
    expect(frozen.backends('default', 'app', port)).toEqual([]);
  });

  test('loses new connections if the pods go before the proxy has heard of the diversion, and none if after', async () => {
    await start({ proxyLagMs: 60 });
    const url = await run();
    await cluster.deployment('default', 'dlx', { image: 'fast', port });
    const dlx = await cluster.waitFor(() =>
      pods().find((pod) => pod.metadata.labels?.['app'] === 'dlx' && isReady(pod)),
    );
    const only = (address: string) => (): boolean =>
      cluster.proxy.backends('default', 'app', port).join() === `${address}:${port}`;
    const select = (asleep: string | null): void =>
      void cluster.api.store.patch('v1/services', 'default', 'app', {
        type: 'merge',
        body: { spec: { selector: { asleep } } },
      });
    const appPods = (): Pod[] => pods().filter((pod) => pod.metadata.labels?.['app'] === 'app');

    const lostIn = async (park: () => Promise<unknown>): Promise<number> => {
      let [on, lost] = [true, 0];
      const client = async (): Promise<void> => {
        while (on) if ((await failure(ask(url))) !== 'none') lost++;
      };
      const clients = Array.from({ length: 4 }, client);
      await park();
      on = false;
      await Promise.all(clients);
      return lost;
    };
    const divert = async (): Promise<void> => {
      await cluster.apply(slice('mine', dlx.status!.podIP!));
      select('x');
    };
    const gone = (): Promise<unknown> => cluster.waitFor(() => appPods().length === 0 && only(dlx.status!.podIP!)());

    const hasty = await lostIn(async () => {
      await divert();
      scale(0);
      await gone();
    });
    expect(hasty).toBeGreaterThan(0);

    scale(1);
    await cluster.waitFor(() => appPods().some(isReady));
    select(null);
    cluster.api.store.delete('discovery.k8s.io/v1/endpointslices', 'default', 'mine');
    await cluster.waitFor(() => only(appPods()[0]!.status!.podIP!)());
    const patient = await lostIn(async () => {
      await divert();
      await cluster.waitFor(only(dlx.status!.podIP!));
      scale(0);
      await gone();
    });
    expect(patient).toBe(0);
    expect(echo.requests().length).toBeGreaterThan(10);
  });
});
