import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFakeClock, type FakeClock } from '../../clock.ts';
import { connectRawApi, type Document, type RawApi } from '../promises/raw-api.ts';
import { type FakeApi, startFakeApi } from './fake-api.ts';

const maps = '/api/v1/namespaces/default/configmaps';
let clock: FakeClock;
let api: FakeApi;
let raw: RawApi;

beforeEach(async () => {
  clock = createFakeClock();
  api = await startFakeApi({ clock, seed: 7 });
  raw = connectRawApi({ url: api.url, token: 'tester', namespace: 'default' });
});

afterEach(() => api.close());

async function post(name: string): Promise<number> {
  return (await raw.request('POST', maps, { body: { metadata: { name } } })).status;
}

function exists(name: string): boolean {
  return api.store.find('v1/configmaps', 'default', name) !== undefined;
}

function create(name: string): void {
  api.store.create('v1/configmaps', { metadata: { name, namespace: 'default' } });
}

type Events = AsyncIterator<{ type: string; object: Document }>;

/** A watch that has sent its first event, and so is established. */
async function watching(): Promise<Events> {
  create('there');
  const watch = raw.watch(maps, {}, AbortSignal.timeout(5000))[Symbol.asyncIterator]();
  expect((await watch.next()).value.object.metadata.name).toBe('there');
  return watch;
}

/** Lets what is on its way arrive: an answer to a request that was sent later has passed the same server. */
async function settled(): Promise<void> {
  await raw.request('GET', '/readyz');
}

describe('a fault of a request', () => {
  test('error refuses without doing, `times` often, after `skip` requests', async () => {
    const fault = api.faults.add({
      verb: 'create',
      resource: 'configmaps',
      skip: 1,
      times: 2,
      action: { type: 'error', status: 429, retryAfterSeconds: 3 },
    });
    expect(await post('a')).toBe(201);
    const { status, headers, body } = await raw.request('POST', maps, { body: { metadata: { name: 'b' } } });
    expect([status, headers['retry-after'], body.reason, body.details]).toEqual([
      429,
      '3',
      'TooManyRequests',
      { retryAfterSeconds: 3 },
    ]);
    expect(await post('b')).toBe(429);
    expect(exists('b')).toBe(false);
    expect(await post('b')).toBe(201);
    expect(fault.hits).toBe(2);
  });

  test('it matches by path, expression, name, user and user agent, and is gone when removed', async () => {
    const error = { type: 'error', status: 500 } as const;
    const status = async (): Promise<number> =>
      (await raw.request('GET', `${maps}/a`, { query: { pretty: 'true' } })).status;
    for (const match of [
      { path: `${maps}/a` },
      { path: /configmaps\/a\?pretty/ },
      { name: 'a', user: 'tester' },
      { namespace: 'default', verb: ['get', 'list'] as const },
    ]) {
      const fault = api.faults.add({ ...match, action: error });
      expect([match, await status()]).toEqual([match, 500]);
      fault.remove();
      expect(await status()).toBe(404);
    }
    for (const match of [{ path: maps }, { user: 'another' }, { userAgent: 'robot' }, { subresource: 'scale' }])
      api.faults.add({ ...match, action: error });
    expect(await status()).toBe(404);
    api.faults.add({ action: error });
    api.faults.clear();
    expect(await status()).toBe(404);
  });

  test('latency waits on the clock, then does it', async () => {
    api.faults.add({ verb: 'create', action: { type: 'latency', ms: 500 } });
    const answer = post('slow');
    while (clock.pending.length === 0) await settled();
    expect(exists('slow')).toBe(false);
    await clock.advance(500);
    expect(await answer).toBe(201);
  });

  test('dropBefore resets the connection and does nothing, dropAfter does it and resets', async () => {
    api.faults.add({ name: '', verb: 'create', times: 1, action: { type: 'dropBefore' } });
    await expect(post('before')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(exists('before')).toBe(false);
    api.faults.clear();
    api.faults.add({ verb: 'create', action: { type: 'dropAfter' } });
    await expect(post('after')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(exists('after')).toBe(true);
    expect(api.audit.writes().map(({ status }) => status)).toEqual([0, 201]);
  });

  test('a hook is called before, and after the write while the client still waits', async () => {
    const seen: [string, boolean][] = [];
    api.faults.add({
      verb: 'create',
      action: { type: 'hook', hook: ({ verb }, phase) => void seen.push([`${verb} ${phase}`, exists('a')]) },
    });
    expect(await post('a')).toBe(201);
    expect(seen).toEqual([
      ['create before', false],
      ['create after', true],
    ]);
  });

  test('a hook can force the order of two writers', async () => {
    let release = (): void => undefined;
    const second = new Promise<void>((resolve) => (release = resolve));
    api.faults.add({
      user: 'tester',
      verb: 'create',
      action: { type: 'hook', hook: (_, phase) => (phase === 'before' ? second : undefined) },
    });
    const first = post('contested');
    const other = connectRawApi({ url: api.url, token: 'other', namespace: 'default' });
    expect((await other.request('POST', maps, { body: { metadata: { name: 'contested' } } })).status).toBe(201);
    release();
    expect(await first).toBe(409);
  });

  test('with a probability it strikes the same requests for the same seed', async () => {
    const fault = api.faults.add({ verb: 'list', probability: 0.5, action: { type: 'error', status: 503 } });
    const statuses: number[] = [];
    for (let i = 0; i < 20; i += 1) statuses.push((await raw.request('GET', maps)).status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(fault.hits).toBe(statuses.filter((status) => status === 503).length);
  });
});

describe('a fault of a watch', () => {
  test('cutWatch resets those that are open, and after so many events those to come', async () => {
    const first = await watching();
    const cut = expect(first.next()).rejects.toMatchObject({ code: 'ECONNRESET' });
    const fault = api.faults.add({ verb: 'watch', times: 1, action: { type: 'cutWatch' } });
    await cut;
    expect(fault.hits).toBe(1);
    const second = raw.watch(maps, {}, AbortSignal.timeout(5000))[Symbol.asyncIterator]();
    expect((await second.next()).value.type).toBe('ADDED');
    api.faults.add({ verb: 'watch', action: { type: 'cutWatch', afterEvents: 1 } });
    create('last');
    expect((await second.next()).value.object.metadata.name).toBe('last');
    await expect(second.next()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('staleWatch delivers later, in order, and what comes after it too', async () => {
    const watch = await watching();
    const fault = api.faults.add({ verb: 'watch', resource: 'configmaps', action: { type: 'staleWatch', ms: 2000 } });
    create('one');
    await clock.advance(500);
    fault.remove();
    create('two');
    const next = watch.next();
    let arrived = false;
    void next.then(() => (arrived = true));
    await clock.advance(1400);
    await settled();
    expect(arrived).toBe(false);
    await clock.advance(100);
    expect((await next).value.object.metadata.name).toBe('one');
    expect((await watch.next()).value.object.metadata.name).toBe('two');
  });

  test('freezeWatch delivers nothing, not even bookmarks, and everything when it is removed', async () => {
    const watch = await watching();
    const fault = api.faults.add({ verb: 'watch', action: { type: 'freezeWatch' } });
    create('one');
    create('two');
    const next = watch.next();
    let arrived = false;
    void next.then(() => (arrived = true));
    await settled();
    expect(arrived).toBe(false);
    fault.remove();
    expect((await next).value.object.metadata.name).toBe('one');
    expect((await watch.next()).value.object.metadata.name).toBe('two');
  });

  test('reads are not held up by faults of watches', async () => {
    api.faults.add({ action: { type: 'freezeWatch' } });
    create('fresh');
    expect((await raw.request('GET', `${maps}/fresh`)).status).toBe(200);
  });
});
