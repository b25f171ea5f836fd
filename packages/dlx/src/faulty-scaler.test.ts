import { expect, test } from '@jest/globals';
import type { Endpoint, EndpointListener, Explanation, Resource, ScaleResult } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { startHarness } from './testing/harness.ts';
import { ScriptedScaler } from './testing/scripted-scaler.ts';
import { startUpstream } from './testing/upstream.ts';

const wrong = {} as never;

/** Whatever a scaler may list as a resource; each beside another resource that is right. */
const wrongResources: Record<string, unknown> = {
  'has no targets': { namespace: 'default', name: 'wrong', scaleResources: [] },
  'has no lists at all': { namespace: 'default', name: 'wrong' },
  'has null for targets': { namespace: 'default', name: 'wrong', targets: null, scaleResources: [] },
  'has a text for targets': { namespace: 'default', name: 'wrong', targets: 'web:80', scaleResources: [] },
  'has a target that is null': { namespace: 'default', name: 'wrong', targets: [null], scaleResources: [] },
  'has a target without a Service': { namespace: 'default', name: 'wrong', targets: [{ port: 80 }] },
  'has a route without a host': {
    namespace: 'default',
    name: 'wrong',
    targets: [{ service: 'w', port: 1, routes: [{}] }],
  },
  'has quiet rules that are none': { namespace: 'default', name: 'wrong', targets: [], quietRules: [3] },
  'has a port that is none': {
    namespace: 'default',
    name: 'wrong',
    targets: [{ service: 'w', port: 1, listenPort: 1e9 }],
  },
  'has no name': { namespace: 'default', targets: [] },
  'has a name that is a number': { namespace: 'default', name: 7, targets: [] },
  'is undefined': undefined,
  'is null': null,
  'is a text': 'default/wrong',
  'throws when it is read': {
    get namespace(): string {
      throw new Error('not today');
    },
  },
  'is a Proxy that throws': new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('not today');
      },
    },
  ),
};

class Telling extends ScriptedScaler {
  readonly #wrong: unknown;
  constructor(told: unknown) {
    super({ auto: true });
    this.#wrong = told;
  }

  override async getResources(): Promise<Resource[]> {
    return [this.#wrong as Resource, ...(await super.getResources())];
  }

  override watchResources(...[listener, signal]: Parameters<ScriptedScaler['watchResources']>): Promise<void> {
    listener({ type: 'set', resource: this.#wrong as Resource });
    listener({ type: 'removed', resource: this.#wrong as Resource });
    listener({ type: 'set', resource: this.#wrong as Resource });
    listener(this.#wrong as never);
    return super.watchResources(listener, signal);
  }
}

class Listing extends Telling {
  constructor(told: unknown) {
    super(told);
    Object.defineProperty(this, 'watchResources', { value: undefined });
  }
}

test.each(Object.entries(wrongResources))('beside a resource that %s the others are served', async (_, told) => {
  const app = await startUpstream();
  for (const scaler of [new Telling(told), new Listing(told)]) {
    scaler.set({ name: 'web' });
    scaler.endpoints('web', [app.endpoint]);
    const h = await startHarness({ scaler });
    expect((await h.send()).status).toBe(200);
    await h.end({ forwarded: 1 });
  }
});

/** A member that does what it may not, with what it is called. */
const faults: [string, (scaler: ScriptedScaler) => void][] = [
  ['isStale throws', (scaler) => (scaler.isStale = () => fail())],
  ['isStale throws undefined', (scaler) => (scaler.isStale = () => failWith(undefined))],
  ['isStale tells a text', (scaler) => (scaler.isStale = () => 'no' as never)],
  [
    'isStale tells a promise that rejects',
    (scaler) => (scaler.isStale = () => Promise.reject(new Error('no')) as never),
  ],
  ['explain throws', (scaler) => (scaler.explain = () => fail())],
  ['explain rejects', (scaler) => (scaler.explain = () => Promise.reject(new Error('no')))],
  ['explain hangs', (scaler) => (scaler.explain = () => new Promise<never>(() => {}))],
  ['explain tells a number', (scaler) => (scaler.explain = async () => 5 as unknown as Explanation)],
  ['watchEndpoints throws for another', (scaler) => override(scaler, 'watchEndpoints', () => fail())],
  ['setScale throws for another', (scaler) => override(scaler, 'setScale', () => fail())],
  ['setScale throws a text for another', (scaler) => override(scaler, 'setScale', () => failWith('no'))],
  ['setScale hangs for another', (scaler) => override(scaler, 'setScale', () => new Promise(() => {}))],
  ['setScale tells nothing for another', (scaler) => override(scaler, 'setScale', async () => undefined)],
  ['setScale tells no list for another', (scaler) => override(scaler, 'setScale', async () => wrong)],
  ['setScale tells none for another', (scaler) => override(scaler, 'setScale', async () => [])],
  ['setScale tells null for another', (scaler) => override(scaler, 'setScale', async () => [null])],
  [
    'setScale fails without a reason',
    (scaler) => override(scaler, 'setScale', async () => [{ ok: false } as ScaleResult]),
  ],
  [
    'the endpoints of another are no list',
    (scaler) => override(scaler, 'watchEndpoints', (_t: never, tell: EndpointListener) => tell(wrong)),
  ],
  [
    'an endpoint of another is null',
    (scaler) => override(scaler, 'watchEndpoints', (_t: never, tell: EndpointListener) => tell([null as never])),
  ],
  [
    'an endpoint of another has no port',
    (scaler) =>
      override(scaler, 'watchEndpoints', (_t: never, tell: EndpointListener) =>
        tell([{ address: '127.0.0.1', id: 'x' } as Endpoint]),
      ),
  ],
];

function fail(): never {
  throw new Error('the scaler fails');
}

function failWith(value: unknown): never {
  throw value;
}

type Member = (...args: never[]) => unknown;

/** Does so for the resource `other` alone. */
function override(
  scaler: ScriptedScaler,
  member: 'setScale' | 'watchEndpoints',
  work: (...args: never[]) => unknown,
): void {
  const right = (scaler[member] as Member).bind(scaler) as (...args: unknown[]) => unknown;
  const isOther = (arg: unknown): boolean => JSON.stringify(arg).includes('"other"');
  const own = (...args: unknown[]): unknown =>
    isOther(args[0]) ? (work as (...all: unknown[]) => unknown)(...args) : right(...args);
  Object.defineProperty(scaler, member, { value: own });
}

test.each(faults)('when %s, requests to others are answered, and its own at their limit', async (_, spoil) => {
  const app = await startUpstream();
  const scaler = new ScriptedScaler({ auto: true });
  spoil(scaler);
  const h = await startHarness({ scaler, settings: { holdTimeoutMs: 300 } });
  for (const name of ['web', 'other']) {
    scaler.set({ name });
    scaler.endpoints(name, [app.endpoint]);
  }
  const startedMs = performance.now();
  const [own, other] = await Promise.all([h.send({ headers: { host: 'other' } }), h.send()]);
  expect([200, 502, 503, 504]).toContain(own.status);
  expect(other.status).toBe(200);
  expect(performance.now() - startedMs).toBeLessThan(4000);
});

test('a scaler whose watch of endpoints throws is asked again, and not for every request', async () => {
  const app = await startUpstream();
  const scaler = new ScriptedScaler({ auto: true });
  const clock = createFakeClock();
  const h = await startHarness({ scaler, clock });
  let calls = 0;
  const watch = scaler.watchEndpoints?.bind(scaler);
  Object.defineProperty(scaler, 'watchEndpoints', {
    value: (...args: Parameters<NonNullable<typeof watch>>) => {
      calls += 1;
      if (calls === 1) fail();
      watch?.(...args);
    },
  });
  scaler.set({ name: 'web', phase: 'awake' });
  scaler.endpoints('web', [app.endpoint]);
  const answers = Array.from({ length: 20 }, () => h.send());
  await h.until(() => h.held() === 20);
  expect(calls).toBe(1);
  await clock.advance(1000);
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect([...new Set(statuses)]).toEqual([200]);
  expect(calls).toBe(2);
});
