import { afterEach, expect, test } from '@jest/globals';
import type { AuditEntry, FaultHook } from '@scaler/testing-kit/kubernetes';
import { ask, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const asks = { signal: new AbortController().signal, reason: { by: 'a DLX', text: 'a request arrived' } };

/** Has the API keep the leader's next write of a kind, and kills the leader when it has come there. */
function keepAndKill(one: Rig, verb: 'create' | 'update' | 'patch' | 'delete', resource: string) {
  const { api } = one.cluster;
  const { name } = one.leader;
  const came = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const done = Promise.withResolvers<number>();
  const hook: FaultHook = async (_, phase) => {
    if (phase === 'after') return;
    const stop = api.audit.onEntry((entry: AuditEntry) => {
      if (entry.userAgent !== name || entry.verb !== verb) return;
      stop();
      done.resolve(entry.status);
    });
    one.leader.kill();
    came.resolve();
    await released.promise;
  };
  api.faults.add({ verb, resource, userAgent: name, times: 1, action: { type: 'hook', hook } });
  return {
    came: came.promise,
    /** Has it done after all. Resolves with its status. */
    release: (): Promise<number> => {
      released.resolve();
      return done.promise;
    },
  };
}

function route(one: Rig, routing: string): void {
  const body = { metadata: { annotations: { 'scaler/routing': routing } } };
  one.cluster.api.store.patch('apps/v1/deployments', namespace, 'web', { type: 'merge', body });
}

/** What is left on the Service, beside what the rig looks at. */
function annotationsOf(one: Rig): unknown {
  return one.cluster.api.store.get('v1/services', namespace, 'web').metadata.annotations;
}

async function begin(): Promise<Rig> {
  const one = (rig = await startRig({ settle: '50ms' }));
  await one.workload('web', { 'scaler/routing': 'selector' });
  await one.waitForPeace('web');
  return one;
}

/** Awake, and nothing of ours on its Service. */
async function waitForNothingLeft(one: Rig): Promise<void> {
  await one.waitForPeace('web');
  await one.until(() => one.routing('web').slices === 0 && one.routing('web').key === undefined);
  await one.until(() => annotationsOf(one) === undefined);
}

test.each<[string, (one: Rig) => unknown, (one: Rig) => unknown]>([
  ['has given its park up', (one) => void one.leader.park(ref), () => undefined],
  [
    'finds the resource woken by a request',
    (one) => void one.leader.park(ref),
    (one) => one.dlxScaler.setScale([ref], 1, asks),
  ],
  ['finds that `always` was taken back', (one) => route(one, 'always'), (one) => route(one, 'selector')],
])('a key that comes after its leader died, when the next one %s, does not come to stand', async (_, start, then) => {
  const one = await begin();
  const key = keepAndKill(one, 'patch', 'services');
  start(one);
  await key.came;
  await then(one);
  await one.succeed();
  await waitForNothingLeft(one);
  expect(await key.release()).toBe(422);
  await waitForNothingLeft(one);
  expect(await ask(one.url('web'))).toBe(200);
});

test('a park and its wake write as often as before: the key itself moves the version', async () => {
  const one = await begin();
  const { audit } = one.cluster.api;
  const written = () => audit.writes({ userAgent: one.leader.name }).map(({ verb, gvr }) => `${verb} ${gvr}`);
  audit.clear();
  await one.leader.putToSleep(ref);
  await one.waitForDlxOnly('web');
  await one.dlxScaler.setScale([ref], 1, asks);
  await waitForNothingLeft(one);
  expect(written().filter((text) => !text.endsWith('events'))).toEqual([
    'patch apps/v1/deployments',
    'create discovery.k8s.io/v1/endpointslices',
    'patch v1/services',
    'patch apps/v1/deployments',
    'patch v1/services',
    'delete discovery.k8s.io/v1/endpointslices',
    'patch apps/v1/deployments',
  ]);
});

test('a key is sent at no other version than the one that the slices name, also where others write the Service', async () => {
  const one = await begin();
  const { api } = one.cluster;
  let edits = 0;
  const edit: FaultHook = (_, phase) => {
    if (phase === 'after') return;
    const body = { metadata: { annotations: { edited: String((edits += 1)) } } };
    api.store.patch('v1/services', namespace, 'web', { type: 'merge', body });
  };
  api.faults.add({ verb: 'patch', resource: 'services', times: 2, action: { type: 'hook', hook: edit } });
  await one.leader.putToSleep(ref);
  await one.waitForDlxOnly('web');
  const slices = api.audit.writes({ gvr: 'discovery.k8s.io/v1/endpointslices' });
  expect(slices.filter(({ body }) => body.includes('scaler/key-at')).map(({ verb }) => verb)).toEqual([
    ...['create', 'update', 'update'],
  ]);
});

test('slices that come after their leader died are taken away again, and every request is answered meanwhile', async () => {
  const one = await begin();
  const slice = keepAndKill(one, 'create', 'endpointslices');
  void one.leader.park(ref);
  await slice.came;
  await one.succeed();
  await waitForNothingLeft(one);
  expect(await slice.release()).toBe(201);
  expect(await ask(one.url('web'))).toBe(200);
  await waitForNothingLeft(one);
});
