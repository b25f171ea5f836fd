import { describe, expect, test } from '@jest/globals';
import {
  type Endpoint,
  isTerminal,
  type Resource,
  type ResourceChange,
  type ResourceScaler,
  type ScaleOptions,
  terminal,
} from '@scaler/scaler-types';
import { createManualClock, type ManualClock } from '../testing/manual-clock.ts';
import { type GuardedScaler, guardScaler, scalerLimits } from './guarded-scaler.ts';

const web: Resource = {
  namespace: 'default',
  name: 'web',
  scaleResources: [],
  targets: [{ service: 'web', port: 80 }],
};
/** A resource with every field: `Required` fails to compile when the contract gains a field that is missing here. */
const talkative: Required<Resource> = {
  ...web,
  kind: 'deployments.apps',
  createdAt: '2026-11-30T08:00:00.000Z',
  targets: [
    {
      service: 'web',
      port: 80,
      portName: 'http',
      listenPort: 20_001,
      led: { port: 20_001, since: '2026-11-30T09:00:00.000Z' },
      routes: [{ host: 'web.test', path: '/', pathType: 'Prefix' }],
      routesSince: ['2026-11-30T08:30:00.000Z'],
      protocol: 'tcp',
      speaksFirst: 'client',
      proxyProtocol: 'v2',
    },
  ],
  phase: 'asleep',
  replicas: 0,
  lastScaleEvent: 'scaleToZeroCompleted',
  lastScaleEventTime: '2026-11-30T10:00:00.000Z',
  awakeSince: '2026-11-30T09:30:00.000Z',
  dlxSeesAll: true,
  idleAfterMs: 1,
  cooldownMs: 2,
  minAwakeMs: 3,
  pause: { mode: 'awake', until: '2026-12-01T08:00:00.000Z' },
  busyUntil: '2026-12-01T09:00:00.000Z',
  dryRun: false,
  holdTimeoutMs: 4,
  connectTimeoutMs: 5,
  responseTimeoutMs: 6,
  idleTimeoutMs: 7,
  upstreamKeepAliveMs: 7,
  holdLimit: 8,
  quietRules: [{ method: 'GET', path: '/healthz', headers: { a: 'b' }, port: 80 }],
  blocked: 'it is in a mesh',
};
const ref = { namespace: 'default', name: 'web' };
const target = { resource: ref, service: 'web', port: 80 };
const never = (): Promise<never> => new Promise(() => {});
const signal = new AbortController().signal;
const options: ScaleOptions = { signal, reason: { by: 'test', text: 'a test' } };

const right: ResourceScaler = {
  getConfig: () => ({}),
  getResources: () => Promise.resolve([web]),
  setScale: (refs) => Promise.resolve(refs.map((resource) => ({ resource, ok: true }))),
  resolveServiceName: () => '10.0.0.1:80',
};

interface Guarded {
  scaler: GuardedScaler;
  clock: ManualClock;
  /** The problems that were logged. */
  problems: string[];
}

function guarded(members: Partial<Record<keyof ResourceScaler, unknown>>): Guarded {
  const clock = createManualClock();
  const problems: string[] = [];
  const logger = {
    debug: () => {},
    info: () => {},
    warn: (_message: string, fields: object = {}) =>
      void problems.push(String((fields as { problem?: unknown }).problem)),
    error: () => {},
    child: () => logger,
  };
  const scaler = guardScaler({ ...right, ...members } as ResourceScaler, { packageName: '@acme/x', clock, logger });
  return { scaler, clock, problems };
}

/** Each member that answers, as it is called. */
const calls: [keyof typeof scalerLimits, (scaler: GuardedScaler) => unknown][] = [
  ['getConfig', (scaler) => scaler.getConfig()],
  ['getResources', (scaler) => scaler.getResources()],
  ['setScale', (scaler) => scaler.setScale([ref], 1, options)],
  ['resolveServiceName', (scaler) => scaler.resolveServiceName(ref, 80)],
  ['reconcile', (scaler) => scaler.reconcile?.([ref], { signal })],
  ['explain', (scaler) => scaler.explain?.(ref)],
  ['setBusy', (scaler) => scaler.setBusy?.(ref, undefined, { signal })],
  ['close', (scaler) => scaler.close?.()],
];

async function errorOf(work: () => unknown): Promise<Error> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it went well');
}

describe.each(calls)('%s', (member, call) => {
  test('that never answers fails in one sentence that names the scaler and the member', async () => {
    const { scaler, clock } = guarded({ [member]: never });
    const failing = errorOf(() => call(scaler));
    await clock.advance(scalerLimits[member]);
    const { message } = await failing;
    expect(message).toMatch(new RegExp(`^the scaler @acme/x: ${member} did not answer within \\d+ s$`));
  });

  test('that throws at once fails with that error, and so does one that rejects', async () => {
    const error = terminal(new Error('there is no such cluster'));
    for (const work of [() => fail(error), () => Promise.reject(error)]) {
      expect(await errorOf(() => call(guarded({ [member]: work }).scaler))).toBe(error);
    }
  });

  test.each<[string, unknown]>([
    ['a text', 'no'],
    ['undefined', undefined],
    ['null', null],
    [
      'an object whose message throws',
      {
        get message(): string {
          throw new Error('no');
        },
      },
    ],
    ['an error of a megabyte', new Error('x'.repeat(1_000_000))],
    ['a symbol', Symbol('no')],
  ])('that throws %s fails with an error that can be read', async (_, thrown) => {
    for (const work of [() => fail(thrown), () => Promise.reject(thrown)]) {
      const error = await errorOf(() => call(guarded({ [member]: work }).scaler));
      expect(error).toBeInstanceOf(Error);
      expect(error.message.length).toBeLessThanOrEqual(2000);
      if (!(thrown instanceof Error)) expect(error.message).toContain(`the scaler @acme/x: ${member} threw`);
    }
  });
});

function fail(error: unknown): never {
  throw error;
}

test('that an error is terminal survives that it is cut', async () => {
  const { scaler } = guarded({ setScale: () => fail(terminal(new Error('x'.repeat(10_000)))) });
  expect(isTerminal(await errorOf(() => scaler.setScale([ref], 1, options)))).toBe(true);
});

test('a list that does not end is waited for again, and not asked for twice', async () => {
  let count = 0;
  const { scaler, clock } = guarded({ getResources: () => (count++, never()) });
  for (let i = 0; i < 3; i++) {
    const failing = errorOf(() => scaler.getResources());
    await clock.advance(scalerLimits.getResources);
    await failing;
  }
  expect(count).toBe(1);
});

test.each<[string, keyof ResourceScaler, unknown, (scaler: GuardedScaler) => unknown, string]>([
  [
    'getResources',
    'getResources',
    async () => ({}),
    (s) => s.getResources(),
    'returned an object with , allowed is a list',
  ],
  [
    'getResources',
    'getResources',
    async () => undefined,
    (s) => s.getResources(),
    'returned undefined, allowed is a list',
  ],
  [
    'setScale',
    'setScale',
    async () => 7,
    (s) => s.setScale([ref], 1, options),
    'returned 7, allowed is a list of results',
  ],
  ['setScale', 'setScale', async () => [], (s) => s.setScale([ref], 1, options), 'returned 0 results of 1 resources'],
  [
    'reconcile',
    'reconcile',
    async () => 'x',
    (s) => s.reconcile?.([], { signal }),
    'returned "x", allowed is a list of results',
  ],
  [
    'explain',
    'explain',
    async () => 5,
    (s) => s.explain?.(ref),
    'returned 5, allowed is {hopeless, reason, text} or nothing',
  ],
  [
    'resolveServiceName',
    'resolveServiceName',
    () => 5,
    (s) => s.resolveServiceName(ref),
    'returned 5, allowed is host:port',
  ],
  [
    'setBusy',
    'setBusy',
    async () => 'soon',
    (s) => s.setBusy?.(ref, '', { signal }),
    'returned "soon", allowed is an ISO 8601 time or nothing',
  ],
  [
    'getConfig',
    'getConfig',
    () => [1],
    (s) => s.getConfig(),
    'returned a list of 1, allowed are settings by app: { autoscaler: {…}, dlx: {…} }',
  ],
  [
    'getConfig',
    'getConfig',
    () => ({ autoscaler: {}, scaleInterval: '10s' }),
    (s) => s.getConfig(),
    'proposes scaleInterval to no app, allowed are settings by app: { autoscaler: {…}, dlx: {…} }',
  ],
  [
    'getConfig',
    'getConfig',
    () => ({ dlx: '10s' }),
    (s) => s.getConfig(),
    'returned "10s" for dlx, allowed are settings by name',
  ],
  [
    'getConfig',
    'getConfig',
    () => ({ dlx: { a: {} } }),
    (s) => s.getConfig(),
    'returned an object with  for dlx.a, allowed is a text, a number, true or false',
  ],
])('%s of a wrong shape fails by name', async (member, name, work, call, problem) => {
  const { message } = await errorOf(() => call(guarded({ [name]: work }).scaler));
  expect(message).toBe(`the scaler @acme/x: ${member} ${problem}`);
});

test.each<[string, unknown, string]>([
  ['null', [null], 'setScale failed with no reason'],
  ['a failure without a reason', [{ resource: ref, ok: false }], 'setScale failed with no reason'],
  ['a result of another', [{ resource: { namespace: 'a', name: 'b' }, ok: true }], 'setScale failed with no result'],
  ['a reason that is a text', [{ ok: false, error: 'no' }], 'setScale failed with "no", which is no error'],
])('a result that is %s is a failure', async (_, returned, message) => {
  const [result] = await guarded({ setScale: async () => returned }).scaler.setScale([ref], 1, options);
  expect(result).toMatchObject({ resource: ref, ok: false, error: { message: `the scaler @acme/x: ${message}` } });
});

test('a proposal of a wrong shape is a setting that is wrong, in one sentence, and ends the start with 2', async () => {
  const error = await errorOf(() => guarded({ getConfig: () => ({ scaleInterval: '10s' }) }).scaler.getConfig());
  expect(error).toMatchObject({ code: 'invalid-config', exitCode: 2, problems: [error.message] });
});

test('getConfig leaves out what it does not propose', async () => {
  const proposed = { autoscaler: { lease: false, cooldown: undefined }, dlx: null };
  const { scaler } = guarded({ getConfig: () => proposed });
  expect(await scaler.getConfig()).toStrictEqual({ autoscaler: { lease: false }, dlx: {} });
  expect(await guarded({ getConfig: () => undefined }).scaler.getConfig()).toEqual({});
});

test('an abort ends the wait for a wake at once, and for a park after a while', async () => {
  const abort = new AbortController();
  const { scaler, clock } = guarded({ setScale: never });
  const wake = errorOf(() => scaler.setScale([ref], 1, { ...options, signal: abort.signal }));
  const park = errorOf(() => scaler.setScale([ref], 0, { ...options, signal: abort.signal }));
  abort.abort(new Error('enough'));
  expect((await wake).message).toBe('enough');
  await clock.advance(10_000);
  expect((await park).message).toBe('enough');
});

test('a resource is not woken more than ten times a second, from all callers together', async () => {
  let count = 0;
  const { scaler, clock } = guarded({ setScale: async () => (count++, [{ ok: true }]) });
  const wake = (): Promise<unknown> => scaler.setScale([ref], 1, options).catch((error: Error) => error.message);
  const ends = await Promise.all(Array.from({ length: 100 }, wake));
  expect([count, ends.at(-1)]).toEqual([
    10,
    'the scaler @acme/x: setScale was called 10 times within a second already',
  ]);
  await clock.advance(1000);
  await wake();
  expect(count).toBe(11);
});

test('the apps take no scaler that is not guarded, and none is guarded twice', () => {
  // @ts-expect-error It has no guard.
  const unguarded: GuardedScaler = right;
  const { scaler, clock } = guarded({});
  const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
  expect(guardScaler(scaler, { packageName: 'b', clock, logger })).toBe(scaler);
  expect(guardScaler(unguarded, { packageName: 'b', clock, logger })).not.toBe(unguarded);
});

test('a guarded scaler has no abilities that the scaler lacks', () => {
  expect(Object.keys(guarded({}).scaler).sort()).toEqual([
    'getConfig',
    'getResources',
    'resolveServiceName',
    'setScale',
  ]);
});

describe('questions of a park', () => {
  const asking = async (ask: (o: Required<ScaleOptions>) => Promise<unknown>): Promise<[unknown, number]> => {
    let [asked, answer]: [number, unknown] = [0, undefined];
    const { scaler } = guarded({
      setScale: async (_refs: unknown, _scale: unknown, o: Required<ScaleOptions>) => {
        answer = await ask(o);
        return [{ ok: true }];
      },
    });
    const confirm = async () => (asked++, { ok: true } as const);
    const preflight = async () => (asked++, []);
    await scaler.setScale([ref], 0, { ...options, confirm, preflight });
    return [answer, asked];
  };

  test('that are whole are asked', async () => {
    expect(await asking((o) => o.confirm({ resource: ref, epoch: 'e', addresses: [] }, signal))).toEqual([
      { ok: true },
      1,
    ]);
    expect(await asking((o) => o.preflight(ref, undefined as never))).toEqual([[], 1]);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['another resource', { resource: { namespace: 'a', name: 'b' }, epoch: 'e', addresses: [] }],
    ['no epoch', { resource: ref, addresses: [] }],
    ['no addresses', { resource: ref, epoch: 'e' }],
    ['many addresses', { resource: ref, epoch: 'e', addresses: new Array(100_000).fill('10.0.0.1') }],
  ])('that name %s are answered no', async (_, request) => {
    const [answer, asked] = await asking((o) => o.confirm(request as never, signal));
    expect([answer, asked]).toEqual([{ ok: false, reason: expect.any(String) }, 0]);
  });

  test('that come without an end are answered no', async () => {
    const [, asked] = await asking(async (o) => {
      for (let i = 0; i < 1000; i++) await o.confirm({ resource: ref, epoch: 'e', addresses: [] }, signal);
    });
    expect(asked).toBe(20);
  });
});

describe('a change that the scaler sends', () => {
  const watch = (): Guarded & { send: (change: unknown) => void; changes: ResourceChange[]; stop: AbortController } => {
    let send: (change: unknown) => void = () => {};
    const all = guarded({ watchResources: (listener: typeof send) => ((send = listener), never()) });
    const [stop, changes]: [AbortController, ResourceChange[]] = [new AbortController(), []];
    void all.scaler.watchResources?.((change) => changes.push(change), stop.signal);
    return { ...all, send: (change) => send(change), changes, stop };
  };

  test('is taken as it is when it is valid', () => {
    const { send, changes, problems } = watch();
    for (const change of [{ type: 'set', resource: web }, { type: 'removed', resource: web }, { type: 'synced' }])
      send(change);
    expect(changes).toEqual([{ type: 'set', resource: web }, { type: 'removed', resource: ref }, { type: 'synced' }]);
    expect(problems).toEqual([]);
  });

  test('with every field of the contract is taken whole', () => {
    const { send, changes, problems } = watch();
    send({ type: 'set', resource: talkative });
    expect(changes).toEqual([{ type: 'set', resource: talkative }]);
    expect(problems).toEqual([]);
  });

  test('loses its invalid fields, each is logged once, and the resource is not parked', () => {
    const { send, changes, problems } = watch();
    const targets = [
      { service: 'web', port: 80 },
      { service: 'web', port: 99_999_999 },
    ];
    for (let i = 0; i < 3; i++) send({ type: 'set', resource: { ...web, targets, cooldownMs: -1, phase: 'gone' } });
    const [problem] = problems;
    expect(problem).toMatch(
      /^the scaler @acme\/x: watchResources resource\.targets\[1\]\.port is 99999999, allowed is a whole number from 1 to 65535$/,
    );
    expect(problems).toHaveLength(3);
    expect(changes).toHaveLength(3);
    const [change] = changes;
    expect(change).toEqual({
      type: 'set',
      resource: {
        ...web,
        targets: [targets[0]],
        blocked: expect.stringContaining('resource.targets[1].port is 99999999'),
      },
    });
  });

  test.each([
    ['of no namespace', { name: 'web' }],
    ['whose namespace has a /, which would make it another', { namespace: 'default/a', name: 'web' }],
    ['whose name has no end', { namespace: 'default', name: 'x'.repeat(1000) }],
  ])('%s is left out', (_, changes) => {
    const { send, changes: taken, problems } = watch();
    send({ type: 'set', resource: { ...web, namespace: undefined, ...changes } });
    expect([taken, problems]).toEqual([[], [expect.stringContaining('gave a resource whose namespace is')]]);
  });

  test('with routes of which one is wrong is served on the others', () => {
    const { send, changes } = watch();
    const right = { service: 'web', port: 80, routes: [{ host: 'a' }, { host: 'c' }], routesSince: ['1', '3'] };
    const routes = [{ host: 'a' }, { host: 'b', path: '' }, { host: 'c' }];
    send({ type: 'set', resource: { ...web, targets: [{ ...right, routes, routesSince: ['1', '2', '3'] }] } });
    expect(changes).toEqual([{ type: 'set', resource: { ...web, targets: [right], blocked: expect.any(String) } }]);
  });

  test('as an object of a class, with many fields of its own, is taken by those that there are', () => {
    const { send, changes } = watch();
    class Own {
      a = 1;
      b = 2;
      c = 3;
      d = 4;
      e = 5;
      f = 6;
      get namespace() {
        return 'default';
      }
      name = 'web';
      scaleResources = [];
      targets = web.targets;
    }
    send({ type: 'set', resource: new Own() });
    expect(changes).toEqual([{ type: 'set', resource: web }]);
  });

  test('with a field of its own is taken without it', () => {
    const { send, changes, problems } = watch();
    send({ type: 'set', resource: { ...web, uid: 'x' } });
    expect(changes).toEqual([{ type: 'set', resource: web }]);
    expect(problems).toEqual([expect.stringContaining('resource.uid is left out, there is no such field')]);
  });

  test.each<[string, object]>([
    ['targets', { targets: new Array(1e9) }],
    ['routes', { targets: [{ service: 'web', port: 80, routes: new Array(1e9) }] }],
    ['quiet rules', { quietRules: new Array(1e9) }],
    ['a text without an end', { blocked: 'x'.repeat(1e8) }],
  ])('with %s without an end is read at once', (_, more) => {
    const { send, changes } = watch();
    const startedMs = performance.now();
    send({ type: 'set', resource: { ...web, ...more } });
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(JSON.stringify(changes).length).toBeLessThan(100_000);
  });

  test('that comes too often is taken as it came last', async () => {
    const { send, changes, clock, problems } = watch();
    for (let i = 1; i <= 10_000; i++) send({ type: 'set', resource: { ...web, replicas: i } });
    expect(changes).toHaveLength(20);
    send({ type: 'set', resource: { ...web, name: 'other' } });
    expect(changes).toHaveLength(21);
    await clock.advance(1000);
    expect(changes.at(-1)).toEqual({ type: 'set', resource: { ...web, replicas: 10_000 } });
    expect([changes.length, problems.length]).toEqual([22, 1]);
  });

  test('among very many is taken at a bounded rate after synced, and at once before', async () => {
    const { send, changes, clock } = watch();
    const all = Array.from({ length: 10_000 }, (_, i) => ({ ...web, name: `web-${i}` }));
    for (const resource of all) send({ type: 'set', resource });
    send({ type: 'synced' });
    expect(changes).toHaveLength(10_001);
    await clock.advance(1000);
    for (const resource of all) send({ type: 'set', resource: { ...resource, replicas: 1 } });
    expect(changes.length - 10_001).toBe(5000);
    await clock.advance(1000);
    expect(changes.length - 10_001).toBe(10_000);
  });

  test('that waits is taken before the synced that follows it', () => {
    const { send, changes } = watch();
    for (let i = 1; i <= 30; i++) send({ type: 'set', resource: { ...web, replicas: i } });
    send({ type: 'synced' });
    expect(changes.slice(-2)).toEqual([{ type: 'set', resource: { ...web, replicas: 30 } }, { type: 'synced' }]);
  });

  test('after the abort has no effect, and the watch has ended', async () => {
    let send: (change: unknown) => void = () => {};
    const { scaler } = guarded({ watchResources: (listener: typeof send) => ((send = listener), never()) });
    const [stop, changes]: [AbortController, ResourceChange[]] = [new AbortController(), []];
    const ended = scaler.watchResources?.((change) => changes.push(change), stop.signal);
    stop.abort();
    await ended;
    send({ type: 'set', resource: web });
    expect(changes).toEqual([]);
  });

  test('that never comes is reported after 30 s, and again', async () => {
    const { clock, problems, stop } = watch();
    await clock.advance(60_000);
    stop.abort();
    await clock.advance(60_000);
    const problem = 'the scaler @acme/x: watchResources has not sent synced for';
    expect(problems).toEqual([`${problem} 30 s`, `${problem} 60 s`]);
  });

  test('makes a listener throw, and only that change is lost', () => {
    let send: (change: unknown) => void = () => {};
    const { scaler, problems } = guarded({ watchResources: (listener: typeof send) => ((send = listener), never()) });
    void scaler.watchResources?.(() => fail(new Error('our own mistake')), signal);
    send({ type: 'set', resource: web });
    expect(problems).toEqual([expect.stringContaining('our own mistake')]);
  });
});

test('valid endpoints are taken, at a bounded rate, and not after the abort', async () => {
  let send: (list: unknown) => void = () => {};
  const { scaler, problems, clock } = guarded({
    watchEndpoints: (_: unknown, listener: typeof send) => void (send = listener),
  });
  const stop = new AbortController();
  const lists: (readonly Endpoint[])[] = [];
  scaler.watchEndpoints?.(target, (list) => lists.push(list), stop.signal);
  const good = { address: '10.0.0.1', port: 80, id: 'a' };
  send([good, null, { ...good, port: 0 }, { ...good, address: 'a b' }, { ...good, id: 7 }]);
  expect(lists).toEqual([[good]]);
  expect(problems).toEqual([
    'the scaler @acme/x: watchEndpoints sent an endpoint whose address is undefined, allowed is an IP address',
  ]);
  for (let i = 0; i < 1000; i++) send([{ ...good, id: String(i) }]);
  expect(lists).toHaveLength(20);
  await clock.advance(1000);
  expect(lists.at(-1)).toEqual([{ ...good, id: '999' }]);
  stop.abort();
  send([good]);
  expect(lists).toHaveLength(21);
});

test('an endpoint is copied, with a check that is called on the original', async () => {
  let send: (list: unknown) => void = () => {};
  const { scaler } = guarded({ watchEndpoints: (_: unknown, listener: typeof send) => void (send = listener) });
  let list: readonly Endpoint[] = [];
  scaler.watchEndpoints?.(target, (endpoints) => (list = endpoints), signal);
  class Own {
    address = '10.0.0.1';
    port = 80;
    id = 'a';
    check(): never {
      throw new Error(`no answer of ${this.id}`);
    }
  }
  const own = new Own();
  send([own]);
  own.address = '10.0.0.2';
  expect(list[0]?.address).toBe('10.0.0.1');
  await expect(list[0]?.check?.(signal)).rejects.toThrow('no answer of a');
});

test('problems do not flood the log, however they are worded', async () => {
  let count = 0;
  const { scaler, problems, clock } = guarded({ isStale: () => fail(new Error(`the ${count++}th`)) });
  for (let i = 0; i < 10_000; i++) expect(scaler.isStale?.(ref)).toBe(true);
  expect(problems).toHaveLength(20);
  await clock.advance(60_000);
  scaler.isStale?.(ref);
  expect(problems.slice(20)).toEqual([
    'the scaler @acme/x: isStale did 9980 more',
    expect.stringContaining('isStale threw "the 10000th"'),
  ]);
});
