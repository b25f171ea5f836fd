import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { type Endpoint, type Phase, type ResourceRef, type ResourceScaler, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { createResourceScaler } from './scaler.ts';
import { type Ground, prepareGround } from './testing/ground.ts';

const ref = { namespace: 'local', name: 'web' };
const target = { resource: ref, service: 'web', port: 0 };
const signal = new AbortController().signal;
const options = { signal, reason: { by: 'test', text: 'because' } };

interface App {
  scaler: ResourceScaler;
  /** Resolves once it has heard of this phase. */
  phase(wanted: Phase, name?: string): Promise<void>;
  endpoints(): readonly Endpoint[];
  stop(): Promise<void>;
}

let ground: Ground;
let apps: App[];

async function startApp(role: 'autoscaler' | 'dlx', file: string): Promise<App> {
  const scaler = await createResourceScaler({
    ...{ role, identity: role, namespaces: undefined, dlxService: undefined },
    options: { file },
    logger: silentLogger,
    clock: systemClock,
  });
  const stop = new AbortController();
  const phases = new Map<string, Phase | undefined>();
  let endpoints: readonly Endpoint[] = [];
  let check = (): void => undefined;
  const synced = Promise.withResolvers<void>();
  const watching = scaler.watchResources?.((change) => {
    if (change.type === 'synced') synced.resolve();
    if (change.type === 'set') phases.set(change.resource.name, change.resource.phase);
    check();
  }, stop.signal);
  scaler.watchEndpoints?.({ ...target, port: ground.port }, (list) => (endpoints = list), stop.signal);
  await synced.promise;
  return {
    scaler,
    phase: (wanted, name = ref.name) =>
      new Promise((resolve) => {
        check = () => phases.get(name) === wanted && resolve();
        check();
      }),
    endpoints: () => endpoints,
    async stop() {
      stop.abort();
      await watching;
    },
  };
}

async function ask(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${ground.port}`, { headers: { connection: 'close' } })).text();
}

beforeAll(async () => {
  ground = await prepareGround({}, (port) => [
    {
      name: 'kept',
      port,
      command: [process.execPath, '-e', `net.createServer().listen(${port})`],
      ...{ protocol: 'tcp', speaksFirst: 'server' },
      pause: { mode: 'awake' },
    },
    { name: 'left', port, command: ['none'], pause: { mode: 'as-is', until: '2999-01-01T00:00:00.000Z' } },
  ]);
  // Both start an owner: one stays.
  apps = await Promise.all([startApp('dlx', ground.file), startApp('autoscaler', ground.file)]);
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.stop()));
  await ground.remove();
});

function both(): [dlx: App, autoscaler: App] {
  return apps as [App, App];
}

describe('two apps and one process', () => {
  test('it sleeps at first; two wakes at once start it once, and resolve when it accepts', async () => {
    const [dlx, autoscaler] = both();
    expect(await dlx.scaler.getResources()).toMatchObject([
      { ...ref, phase: 'asleep', replicas: 0, dlxSeesAll: true },
      { name: 'kept', targets: [{ protocol: 'tcp', speaksFirst: 'server' }] },
      { name: 'left' },
    ]);
    const results = await Promise.all(apps.map(({ scaler }) => scaler.setScale([ref], 1, options)));
    expect(results.flat()).toEqual([
      { resource: ref, ok: true },
      { resource: ref, ok: true },
    ]);
    expect([await ask()]).toEqual(await ground.starts());
    await Promise.all([dlx.phase('awake'), autoscaler.phase('awake')]);
    expect(dlx.endpoints()).toMatchObject([{ address: '127.0.0.1', port: ground.port }]);
  });

  test('a park asks the fence while it still runs, then ends it', async () => {
    const [dlx, autoscaler] = both();
    let during = '';
    const confirm = async () => {
      await dlx.phase('parking');
      expect(dlx.endpoints()).toHaveLength(1);
      during = await ask();
      return { ok: true as const };
    };
    expect(await autoscaler.scaler.setScale([ref], 0, { ...options, confirm })).toEqual([{ resource: ref, ok: true }]);
    expect([during]).toEqual(await ground.starts());
    await expect(ask()).rejects.toThrow();
    await dlx.phase('asleep');
    expect(dlx.endpoints()).toEqual([]);
  });

  test('a wake in the middle of a park cancels it, and nothing is started anew', async () => {
    const [dlx, autoscaler] = both();
    await dlx.scaler.setScale([ref], 1, options);
    const before = await ask();
    const confirm = async () => {
      await dlx.scaler.setScale([ref], 1, options);
      return { ok: true as const };
    };
    expect(await autoscaler.scaler.setScale([ref], 0, { ...options, confirm })).toMatchObject([
      { ok: false, error: { code: 'park-cancelled', message: 'local/web: it was woken meanwhile' } },
    ]);
    expect(await ask()).toBe(before);
  });

  test('a park that its autoscaler left is undone by the next one', async () => {
    const [dlx, autoscaler] = both();
    const stop = new AbortController();
    const confirm = async () => {
      stop.abort(new Error('killed'));
      throw new Error('killed');
    };
    await autoscaler.scaler.setScale([ref], 0, { ...options, signal: stop.signal, confirm });
    await dlx.phase('parking');
    await autoscaler.phase('parking');
    await autoscaler.scaler.reconcile?.([], { signal });
    await dlx.phase('awake');
  });

  test('a process that ends by itself is asleep, and is started by the next request', async () => {
    const [dlx] = both();
    process.kill(Number(await ask()), 'SIGKILL');
    await dlx.phase('asleep');
    expect(await dlx.scaler.setScale([ref], 1, options)).toMatchObject([{ ok: true }]);
    expect(await ask()).toBe((await ground.starts()).at(-1));
  });
});

test('reconcile wakes a process that is paused awake; one that is paused as it is stays asleep, with the reason', async () => {
  const [dlx, autoscaler] = both();
  const [kept, left] = ['kept', 'left'].map((name) => ({ namespace: 'local', name }));
  expect(await autoscaler.scaler.reconcile?.([left as ResourceRef], { signal })).toEqual([]);
  await autoscaler.scaler.setScale([kept as ResourceRef], 0, options);
  await autoscaler.phase('asleep', 'kept');
  expect(await autoscaler.scaler.reconcile?.([], { signal })).toEqual([{ resource: kept, ok: true }]);
  expect(await dlx.scaler.setScale([left as ResourceRef], 1, options)).toMatchObject([
    { error: { code: 'paused', message: 'local/left: it is paused as-is until 2999-01-01T00:00:00.000Z' } },
  ]);
});

test('a process that does not come up fails the wake, with the end of the process', async () => {
  const broken = await prepareGround({ command: [process.execPath, '-e', 'process.exit(7)'] });
  const app = await startApp('dlx', broken.file);
  expect(await app.scaler.setScale([ref], 1, options)).toMatchObject([
    { ok: false, error: { code: 'wake-failed', message: 'local/web: it does not start: it ended with 7' } },
  ]);
  await app.stop();
  await broken.remove();
});

test.each<[string, object, string]>([
  ['no control port', { processes: [] }, 'controlPort must be a port'],
  ['no command', { controlPort: 1, processes: [{ name: 'web', port: 1 }] }, 'command of web must be a list of texts'],
  [
    'an unknown field',
    { controlPort: 1, processes: [{ name: 'web', port: 1, command: ['x'], colour: 'red' }] },
    'colour is "red"',
  ],
  [
    'a wrong port',
    { controlPort: 1, processes: [{ name: 'web', port: 0, command: ['x'] }] },
    'port is 0, allowed is a whole number from 1',
  ],
])('a file with %s stops the start with its name', async (_name, content, message) => {
  const file = ground.file.replace('processes.json', 'wrong.json');
  await writeFile(file, JSON.stringify(content));
  await expect(startApp('dlx', file)).rejects.toThrow(
    expect.objectContaining({ code: 'invalid-resource', message: expect.stringMatching(message) }),
  );
  await expect(startApp('dlx', file)).rejects.toThrow(file);
});
