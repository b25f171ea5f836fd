import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '@scaler/testing-kit';
import { ask, namespace, type Rig, type RigOptions, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const deployments = 'apps/v1/deployments';
const signal = new AbortController().signal;
const reason = { by: 'test', text: 'a request arrived' };

async function awake(annotations: Record<string, string> = {}, options: RigOptions = {}): Promise<Rig> {
  rig = await startRig(options);
  await rig.workload('web', { 'scaler/routing': 'selector', ...annotations });
  await rig.waitForPeace('web');
  return rig;
}

async function asleep(annotations: Record<string, string> = {}, options: RigOptions = {}): Promise<Rig> {
  const one = await awake(annotations, options);
  await one.leader.putToSleep(ref);
  return one;
}

function annotate(one: Rig, annotations: Record<string, string | null>, name = 'web'): void {
  one.cluster.api.store.patch(deployments, namespace, name, { type: 'merge', body: { metadata: { annotations } } });
}

const known = (one: Rig) => one.leader.resources.get('shop/web');
const wake = async (one: Rig) => (await one.leader.scaler.setScale([ref], 1, { signal, reason }))[0];

describe('a pause', () => {
  test('awake wakes a sleeper, by the Lease holder alone', async () => {
    const one = await asleep();
    annotate(one, { 'scaler/pause': 'awake' });
    await one.waitForPeace('web');
    expect(one.dlx.arrivals.size).toBe(0);
    expect(await one.leader.park(ref)).toMatchObject({ ok: false, error: { code: 'park-refused' } });
  });

  test('asleep refuses a request, with its end, and ends by itself: the next request wakes it', async () => {
    const one = await asleep();
    const until = new Date(Date.now() + 2_000).toISOString();
    annotate(one, { 'scaler/pause': `asleep until ${until}` });
    await one.until(() => known(one)?.pause !== undefined);
    const refused = await wake(one);
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'paused', message: `shop/web is paused asleep until ${until}` },
    });
    expect(await ask(one.url('web'))).toBe(500);
    expect(one.read('web').spec.replicas).toBe(0);
    await one.until(() => Date.now() > Date.parse(until));
    expect(await ask(one.url('web'))).toBe(200);
  });

  test('as it is leaves both a sleeper and one that is awake as they are', async () => {
    const one = await asleep();
    annotate(one, { 'scaler/pause': 'as-is' });
    // A wake that began before it was heard of goes on.
    await one.until(() => known(one)?.pause !== undefined);
    expect(await wake(one)).toMatchObject({ ok: false, error: { code: 'paused' } });
    annotate(one, { 'scaler/pause': null });
    expect(await ask(one.url('web'))).toBe(200);
    await one.waitForPeace('web');
    annotate(one, { 'scaler/pause': 'as-is' });
    expect(await one.leader.park(ref)).toMatchObject({
      ok: false,
      error: { message: 'shop/web is not parked: it is paused as-is' },
    });
    expect(await ask(one.url('web'))).toBe(200);
  });

  test('that begins in the middle of a park cancels it', async () => {
    const one = await awake();
    const confirm = () => (annotate(one, { 'scaler/pause': 'awake' }), { ok: true as const });
    expect(await one.leader.park(ref, { confirm })).toMatchObject({
      ok: false,
      error: { code: 'park-cancelled', message: expect.stringContaining('it is paused awake') },
    });
    await one.waitForPeace('web');
  });
});

describe('a busy lease', () => {
  const later = '2099-01-01T00:00:00.000Z';

  test('that was kept before the zero is written keeps it awake, even if it was read without it before', async () => {
    const one = await awake();
    // Answered, and so after the park's last read, when its last write arrives.
    const stop = one.cluster.api.audit.onEntry(({ gvr, verb }) => {
      if (gvr === deployments && verb === 'get' && fenced) annotate(one, { 'scaler/busy-until': later });
    });
    let fenced = false;
    const confirm = () => ((fenced = true), { ok: true as const });
    const result = await one.leader.park(ref, { confirm });
    stop();
    expect(result).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('it has a busy lease') },
    });
    expect(one.cluster.api.audit.writes({ gvr: deployments, status: 422 })).toHaveLength(1);
    await one.waitForPeace('web');
  });

  test('is given, never shortened, seen by everybody, and taken away', async () => {
    const one = await awake();
    const { scaler } = one.leader;
    const soon = new Date(Date.now() + 60_000).toISOString();
    const given = await Promise.all([soon, later].map((until) => scaler.setBusy?.(ref, until, { signal })));
    expect(given).toContain(later);
    expect(await scaler.setBusy?.(ref, soon, { signal })).toBe(later);
    await one.until(() => known(one)?.busyUntil === later);
    expect(await one.leader.park(ref)).toMatchObject({ ok: false, error: { code: 'park-refused' } });
    expect(await scaler.setBusy?.(ref, undefined, { signal })).toBeUndefined();
    await one.until(() => known(one)?.busyUntil === undefined);
    annotate(one, { 'scaler/busy-until': '2020-01-01T00:00:00Z' });
    await one.leader.putToSleep(ref);
    const gone = scaler.setBusy?.({ namespace, name: 'gone' }, later, { signal });
    await expect(gone).rejects.toMatchObject({ code: 'unknown-resource' });
  });
});

test('scaler/replicas says how many a wake asks for', async () => {
  const one = await asleep({ 'scaler/replicas': '3' });
  expect(await ask(one.url('web'))).toBe(200);
  expect(one.read('web').spec.replicas).toBe(3);
});

describe('a dry run', () => {
  const workload = async (annotations: Record<string, string>, options: RigOptions = {}): Promise<Rig> => {
    rig = await startRig(options);
    await rig.cluster.deployment(namespace, 'web', {
      ...{ image: 'echo', port: 8080, labels: { 'scaler/enabled': 'true' }, annotations },
    });
    await rig.cluster.service(namespace, 'web', { port: 80, targetPort: 8080, portName: 'http' });
    const one = rig;
    await rig.until(() => known(one)?.targets.length === 1);
    return rig;
  };

  test.each<[string, Record<string, string>, RigOptions]>([
    ['of one resource', { 'scaler/dry-run': 'true', 'scaler/metrics': 'requests_per_1m<=0' }, {}],
    ['of all', { 'scaler/metrics': 'requests_per_1m<=0' }, { dryRun: true }],
    ['in always', { 'scaler/dry-run': 'true' }, {}],
  ])('%s writes nothing, and tells the resource as one that serves', async (_name, annotations, options) => {
    const one = await workload(annotations, options);
    await one.leader.scaler.reconcile?.([], { signal });
    expect(known(one)).toMatchObject({ phase: 'awake', dryRun: true });
    expect(await one.leader.park(ref)).toMatchObject({ ok: false, error: { code: 'park-refused' } });
    const { audit } = one.cluster.api;
    const ours = audit.writes({ userAgent: 'rig-leader-0' }).filter(({ gvr }) => gvr !== 'v1/events');
    expect(ours).toEqual([]);
    annotate(one, { 'scaler/dry-run': 'false' });
    if (options.dryRun !== true) await one.waitForPhase('web', 'awake');
  });
});

describe("a namespace's annotations", () => {
  const patchNamespace = (one: Rig, annotations: Record<string, string | null>): void => {
    const body = { metadata: { annotations } };
    one.cluster.api.store.patch('v1/namespaces', '', namespace, { type: 'merge', body });
  };

  test('are the defaults of its workloads, at once; wrong ones are reported there and are none', async () => {
    const one = await asleep({ 'scaler/cooldown': '5s' });
    patchNamespace(one, { 'scaler/cooldown': '1m', 'scaler/min-awake': '2m', 'scaler/idle-after': 'x' });
    await one.until(() => known(one)?.minAwakeMs === 120_000);
    expect(known(one)).toMatchObject({ cooldownMs: 5_000 });
    expect(known(one)).not.toHaveProperty('blocked');
    await one.leader.scaler.reconcile?.([], { signal });
    const events = () => one.cluster.api.store.list('v1/events', { namespace: 'default' }).items as unknown as Told[];
    await one.until(() => events().length === 1);
    expect(events()).toMatchObject([
      { reason: 'InvalidSetting', involvedObject: { kind: 'Namespace', name: namespace }, message: expect.any(String) },
    ]);
    patchNamespace(one, { 'scaler/pause': 'awake' });
    await one.waitForPeace('web');
  });

  test('are no defaults where namespaces must not be read, which is said once', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message), child: () => logger };
    const authorize: RigOptions['authorize'] = ({ resource, userAgent }) =>
      resource !== 'namespaces' || !userAgent.startsWith('rig-');
    const one = await awake({}, { authorize, logger });
    patchNamespace(one, { 'scaler/pause': 'awake' });
    await one.leader.putToSleep(ref);
    const said = warnings.filter((message) => message.startsWith('Namespaces must not be read'));
    // Once in each process.
    expect(said).toHaveLength(2);
  });
});

interface Told {
  reason: string;
}

test('an update that is seen is shown as the last event, so that a cooldown follows', async () => {
  const one = await awake();
  const body = { spec: { template: { metadata: { annotations: { image: 'new' } } } } };
  one.cluster.api.store.patch(deployments, namespace, 'web', { type: 'merge', body });
  await one.until(() => known(one)?.lastScaleEvent === 'resourceUpdated');
  const { awakeSince = '', lastScaleEventTime = '' } = known(one) ?? {};
  expect(Date.parse(lastScaleEventTime)).toBeGreaterThan(Date.parse(awakeSince));
});

test('a setting without effect is reported, once', async () => {
  const one = await awake({ 'scaler/idle-after': '1m' });
  await one.until(() => one.events('web').includes('NoEffect'));
  await one.leader.scaler.reconcile?.([], { signal });
  expect(one.events('web').filter((event) => event === 'NoEffect')).toHaveLength(1);
});
