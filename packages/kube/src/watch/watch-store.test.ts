import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { recordingLogger, createFastClock } from '@scaler/testing-kit';
import type { WatchStoreOptions } from './watch-store.ts';
import { kinds, type Pod, type Store, type StoreEvent, watchStore } from '../index.ts';
import {
  type Script,
  type ScriptedApi,
  type ScriptedRequest,
  sendJson,
  sendStatus,
  startScriptedApi,
  until,
} from '../testing/scripted-api.ts';

interface Trimmed {
  readonly name: string;
  readonly node: string;
}

type Change = StoreEvent<Trimmed>;

const clock = createFastClock(20);
let stop: AbortController;
let running: Promise<void>;
let api: ScriptedApi;
let logger: ReturnType<typeof recordingLogger>;

beforeEach(() => {
  stop = new AbortController();
  logger = recordingLogger();
});

afterEach(async () => {
  stop.abort();
  await running;
  await api.close();
});

function pod(name: string, resourceVersion: number, node = 'n1', uid = `uid-${name}`): Pod {
  return {
    metadata: { namespace: 'shop', name, uid, resourceVersion: String(resourceVersion) },
    spec: { containers: [], nodeName: node },
  };
}

function sendList(response: ServerResponse, resourceVersion: number, items: readonly Pod[]): void {
  sendJson(response, 200, { metadata: { resourceVersion: String(resourceVersion) }, items });
}

function line(response: ServerResponse, type: string, object: unknown): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

function bookmark(response: ServerResponse, resourceVersion: number): void {
  line(response, 'BOOKMARK', { metadata: { resourceVersion: String(resourceVersion) } });
}

function isWatch({ query }: ScriptedRequest): boolean {
  return query.get('watch') === '1';
}

/** Starts an API of a list script and of one script per watch, the last one for all that follow; and a store on it. */
async function start(
  list: Script,
  watches: readonly Script[],
  options: Partial<WatchStoreOptions<Pod, Trimmed>> = {},
): Promise<{ store: Store<Trimmed>; changes: Change[] }> {
  let opened = 0;
  api = await startScriptedApi(
    (request, response) => {
      if (!isWatch(request)) return list(request, response);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.flushHeaders();
      watches[Math.min(opened++, watches.length - 1)]?.(request, response);
    },
    { clock },
  );
  const trim = ({ metadata, spec }: Pod): Trimmed => ({ name: metadata?.name ?? '', node: spec?.nodeName ?? '' });
  const store = watchStore({ client: api.client, kind: kinds.pod, trim, clock, logger, ...options });
  const changes: Change[] = [];
  store.subscribe((change) => changes.push(change));
  running = store.run(stop.signal);
  return { store, changes };
}

const stay: Script = () => undefined;
/** Whether something ever held, looked at again and again from now on. */
function watchFor(holds: () => boolean): () => boolean {
  let held = false;
  const timer = setInterval(() => (held ||= holds()), 5);
  return () => {
    clearInterval(timer);
    return held;
  };
}

const names = (store: Store<Trimmed>): string[] =>
  store
    .list()
    .map(({ name }) => name)
    .sort();
const lists = (): number => api.requests.filter((r) => !isWatch(r)).length;
const positions = (): (string | null)[] =>
  api.requests.filter(isWatch).map(({ query }) => query.get('resourceVersion'));

describe('a store', () => {
  test('has the objects of the list, then those of the watch, and reports each change', async () => {
    const { store, changes } = await start(
      (_request, response) => sendList(response, 10, [pod('a', 5), pod('b', 6)]),
      [
        (_request, response) => {
          line(response, 'ADDED', pod('c', 11));
          line(response, 'MODIFIED', pod('a', 12, 'n2'));
          line(response, 'DELETED', pod('b', 13));
          bookmark(response, 20);
        },
      ],
      { labelSelector: 'app=shop' },
    );
    expect(store.synced).toBe(false);
    expect(store.ageMs()).toBe(Infinity);
    await store.whenSynced(stop.signal);
    await until(() => store.lastResourceVersion === '20');
    expect(names(store)).toEqual(['a', 'c']);
    expect(store.get('shop', 'a')).toEqual({ name: 'a', node: 'n2' });
    expect(store.get('shop', 'b')).toBeUndefined();
    expect(store.size).toBe(2);
    expect(changes.map(({ type, object }) => `${type} ${object.name}`)).toEqual([
      'added a',
      'added b',
      'added c',
      'updated a',
      'deleted b',
    ]);
    expect(changes[3]).toMatchObject({ previous: { node: 'n1' }, object: { node: 'n2' } });
    const watch = api.requests.find(isWatch)?.query;
    expect(watch?.get('allowWatchBookmarks')).toBe('true');
    expect(watch?.get('labelSelector')).toBe('app=shop');
    expect(store.failures).toEqual([]);
  });

  test('finds objects by an index, also those that were there before it', async () => {
    let send: ServerResponse | undefined;
    const { store } = await start(
      (_request, response) => sendList(response, 10, [pod('a', 5), pod('b', 6, 'n2')]),
      [(_request, response) => void (send = response)],
    );
    await store.whenSynced();
    store.addIndex('node', ({ node }) => [node]);
    expect(store.byIndex('node', 'n1')).toEqual([{ name: 'a', node: 'n1' }]);
    await until(() => send !== undefined);
    line(send as ServerResponse, 'MODIFIED', pod('a', 11, 'n2'));
    await until(() => store.byIndex('node', 'n2').length === 2);
    expect(store.byIndex('node', 'n1')).toEqual([]);
    expect(() => store.byIndex('zone', 'x')).toThrow('no index "zone", only node');
  });

  test('keeps an object whose keys cannot be computed, and says so', async () => {
    const { store } = await start(
      (_request, response) => sendList(response, 1, []),
      [
        (_request, response) => {
          line(response, 'ADDED', pod('a', 2, 'broken'));
          line(response, 'ADDED', pod('b', 3));
        },
      ],
    );
    store.addIndex('node', ({ node }) => {
      if (node === 'broken') throw new Error('no such node');
      return [node];
    });
    await until(() => store.size === 2);
    expect(store.byIndex('node', 'n1')).toHaveLength(1);
    expect(logger.lines.some(({ message }) => message === 'Object cannot be indexed')).toBe(true);
    expect(store.failures).toEqual([]);
  });

  test('does not let a listener that throws or rejects stop the others', async () => {
    const { store, changes } = await start(
      (_request, response) => sendList(response, 1, []),
      [(_request, response) => line(response, 'ADDED', pod('a', 2))],
    );
    const later: Change[] = [];
    store.subscribe(() => {
      throw new Error('mine');
    });
    store.subscribe((() => Promise.reject(new Error('late'))) as () => void);
    store.subscribe((change) => later.push(change));
    await until(() => later.length === 1);
    expect(changes).toHaveLength(1);
    await until(() => logger.lines.filter(({ message }) => message === 'Store listener failed').length === 2);
  });

  test('leaves out an object that cannot be trimmed, says so, and keeps the rest', async () => {
    const trim = ({ metadata, spec }: Pod): Trimmed => {
      if (spec?.nodeName === 'broken') throw new Error('no such node');
      return { name: metadata?.name ?? '', node: '' };
    };
    const { store } = await start(
      (_request, response) => sendList(response, 9, [pod('a', 1), pod('bad', 2, 'broken')]),
      [(_request, response) => line(response, 'MODIFIED', pod('a', 10, 'broken'))],
      { trim },
    );
    await store.whenSynced();
    await until(() => store.size === 0);
    expect(
      logger.lines.filter(({ level }) => level === 'error').map(({ fields }) => (fields as { name: string }).name),
    ).toEqual(['bad', 'a']);
  });

  describe('that is read live', () => {
    const wanted = (position: number, items: readonly Pod[]): Script => {
      return ({ query }, response) =>
        query.get('labelSelector') === 'app=shop'
          ? sendList(response, position, items)
          : sendList(response, 10, [pod('a', 5)]);
    };
    const read = (store: Store<Trimmed>): Promise<readonly Trimmed[]> => store.readLive('shop', 'app=shop', {});

    test('has at once objects that its watch has not sent, and later events of the watch do not turn it back', async () => {
      let watch: ServerResponse | undefined;
      const { store, changes } = await start(wanted(14, [pod('a', 12, 'n2'), pod('b', 14)]), [
        (_request, response) => void (watch = response),
      ]);
      await until(() => watch !== undefined);
      expect((await read(store)).map(({ name }) => name)).toEqual(['a', 'b']);
      expect(changes.map(({ type, object }) => `${type} ${object.name}`)).toEqual(['added a', 'updated a', 'added b']);
      line(watch as ServerResponse, 'MODIFIED', pod('a', 11, 'n1'));
      line(watch as ServerResponse, 'DELETED', pod('b', 15));
      await until(() => store.size === 1);
      expect(store.get('shop', 'a')).toEqual({ name: 'a', node: 'n2' });
    });

    test('keeps nothing of a list that is older than the events of its watch', async () => {
      let watch: ServerResponse | undefined;
      const { store } = await start(wanted(14, [pod('a', 5), pod('b', 14)]), [
        (_request, response) => void (watch = response),
      ]);
      await until(() => watch !== undefined);
      line(watch as ServerResponse, 'ADDED', pod('b', 14));
      line(watch as ServerResponse, 'DELETED', pod('b', 15));
      await until(() => store.lastResourceVersion === '15');
      expect((await read(store)).map(({ name }) => name)).toEqual(['a', 'b']);
      expect(names(store)).toEqual(['a']);
    });

    test('knows nothing of a namespace that it does not follow', async () => {
      const { store } = await start(wanted(14, []), [stay], { namespaces: ['home'] });
      await expect(read(store)).rejects.toThrow('The store does not follow namespace "shop"');
    });
  });

  describe('of a kind that may be missing', () => {
    const optional = { optional: true, clock: createFastClock(4_000), namespaces: ['one', 'two'] };
    const notFound: Script = (_request, response) => void response.writeHead(404).end('404 page not found');
    const logged = (text: string) => logger.lines.filter(({ message }) => message.startsWith(text));

    test('is as one without objects, logs that once, and has them soon after it is installed', async () => {
      let installed = false;
      const list: Script = (request, response) => {
        if (installed) sendList(response, 9, request.path.includes('/one/') ? [pod('a', 8)] : []);
        else notFound(request, response);
      };
      // Its watches say nothing, and are to be alive all the same.
      const { store } = await start(list, [stay], { ...optional, bookmarkLimitMs: 1e9 });
      await store.whenSynced();
      expect([store.size, store.failures.length]).toEqual([0, 2]);
      await until(() => lists() >= 6);
      expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
        ['debug', 'Kind is not installed, so there are no objects of it'],
      ]);
      installed = true;
      await until(() => store.size === 1 && store.failures.length === 0);
    });

    test('keeps what it had until a few looks in a row found it missing', async () => {
      let watch: ServerResponse | undefined;
      const present: Script = (_request, response) => sendList(response, 9, [pod('a', 8)]);
      const keep: Script = (_request, response) => void (watch = response);
      const { store } = await start(present, [keep], { ...optional, namespaces: ['shop'] });
      await until(() => store.size === 1 && watch !== undefined);
      let refused = 0;
      api.answer((request, response) => {
        if (++refused <= 3) expect(store.size).toBe(1);
        notFound(request, response);
      });
      watch?.end();
      await until(() => store.size === 0);
      expect(logged('Watch has to start again').length).toBeGreaterThanOrEqual(3);
      await until(() => refused >= 8);
      expect(logged('Kind is not installed')).toHaveLength(1);
    });

    test('that it may not read is reported as forbidden', async () => {
      const { store } = await start(
        (_request, response) => sendStatus(response, 403, 'Forbidden', 'no'),
        [stay],
        optional,
      );
      await store.whenSynced();
      await until(() => lists() >= 4);
      expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
        ['warn', 'Kind must not be read, as if there were no objects of it'],
      ]);
    });

    test('does not keep callers waiting while its API is broken', async () => {
      const { store } = await start(
        (_request, response) => sendStatus(response, 500, 'InternalError', 'no'),
        [stay],
        optional,
      );
      await store.whenSynced();
      expect(store.failures[0]?.error.code).toBe('unavailable');
    });
  });

  test('merges the watches of several namespaces, and is as old as the oldest of them', async () => {
    const open = new Map<string, ServerResponse>();
    const { store } = await start(
      ({ path }, response) => {
        const namespace = path.split('/')[4] ?? '';
        const one = pod('same', 5);
        sendList(response, namespace === 'one' ? 30 : 10, [{ ...one, metadata: { ...one.metadata, namespace } }]);
      },
      [({ path }, response) => void open.set(path.split('/')[4] ?? '', response)],
      { namespaces: ['one', 'two'] },
    );
    await store.whenSynced();
    await until(() => open.size === 2);
    expect(store.size).toBe(2);
    expect(store.get('two', 'same')).toBeDefined();
    expect(store.lastResourceVersion).toBe('10');
    bookmark(open.get('two') as ServerResponse, 40);
    await until(() => store.lastResourceVersion === '30');
  });
});

describe('a watch survives', () => {
  test('a first list that fails, for as long as it fails', async () => {
    const { store } = await start(
      (_request, response) =>
        lists() < 8 ? sendStatus(response, 500, 'InternalError', 'no') : sendList(response, 3, [pod('a', 1)]),
      [stay],
    );
    await until(() => store.failures.length > 0);
    expect(store.failures[0]).toMatchObject({ namespace: undefined, error: { code: 'unavailable' } });
    await store.whenSynced(stop.signal);
    expect(names(store)).toEqual(['a']);
    expect(store.failures).toEqual([]);
  });

  test('its normal end: it goes on from where it was, without a list', async () => {
    const { store } = await start(
      (_request, response) => sendList(response, 1, []),
      [
        (_request, response) => {
          line(response, 'ADDED', pod('a', 2));
          bookmark(response, 7);
          response.end();
        },
        (_request, response) => {
          line(response, 'ADDED', pod('b', 8));
          response.end();
        },
        stay,
      ],
    );
    await until(() => positions().length === 3);
    expect(positions()).toEqual(['1', '7', '8']);
    expect(names(store)).toEqual(['a', 'b']);
    expect(lists()).toBe(1);
    expect(store.relists).toBe(0);
  });

  test('410 after the API was away: it lists at once', async () => {
    const pauses: number[] = [];
    const sleep: typeof clock.sleep = (ms, signal) => {
      pauses.push(ms);
      return clock.sleep(ms, signal);
    };
    const away: Script = (_request, response) => void response.destroy();
    const { store } = await start(
      (_request, response) => sendList(response, 10, []),
      [
        ...Array.from({ length: 5 }, () => away),
        (_request, response) => line(response, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired' }),
        stay,
      ],
      { clock: { ...clock, sleep } },
    );
    await until(() => store.relists === 1);
    expect(pauses).toHaveLength(5);
  });

  test.each(['HTTP', 'an ERROR event'])('410 as %s: it lists again, and what is gone is deleted', async (how) => {
    let gone = false;
    const { store, changes } = await start(
      (_request, response) =>
        gone ? sendList(response, 50, [pod('b', 6), pod('c', 40)]) : sendList(response, 10, [pod('a', 5), pod('b', 6)]),
      [
        (_request, response) => {
          gone = true;
          line(response, 'ERROR', {
            kind: 'Status',
            code: 410,
            reason: 'Expired',
            message: 'too old resource version',
          });
        },
        stay,
      ],
    );
    if (how === 'HTTP') {
      api.answer((request, response) => {
        if (!isWatch(request))
          return gone
            ? sendList(response, 50, [pod('b', 6), pod('c', 40)])
            : sendList(response, 10, [pod('a', 5), pod('b', 6)]);
        if (gone) return void response.writeHead(200).flushHeaders();
        gone = true;
        sendStatus(response, 410, 'Expired', 'too old resource version');
      });
    }
    await until(() => store.relists === 1 && store.lastResourceVersion === '50');
    expect(names(store)).toEqual(['b', 'c']);
    expect(changes.map(({ type, object }) => `${type} ${object.name}`)).toEqual([
      'added a',
      'added b',
      'deleted a',
      'added c',
    ]);
    expect(positions()[1] ?? '50').toBe('50');
  });

  test('a connection that breaks, in the middle of a line too', async () => {
    const { store } = await start(
      (_request, response) => sendList(response, 1, []),
      [
        (_request, response) => {
          line(response, 'ADDED', pod('a', 2));
          response.write('{"type":"ADDED","obj', () => response.socket?.destroy());
        },
        (_request, response) => line(response, 'ADDED', pod('b', 3)),
      ],
    );
    await until(() => store.size === 2);
    expect(positions()).toEqual(['1', '2']);
    expect(lists()).toBe(1);
  });

  test('a connection that is silent: it is closed, and what was missed comes at once', async () => {
    let closed = false;
    const { store } = await start(
      (_request, response) => sendList(response, 1, []),
      [
        (_request, response) => {
          line(response, 'ADDED', pod('a', 2));
          response.once('close', () => (closed = true));
        },
        (_request, response) => line(response, 'ADDED', pod('b', 9)),
      ],
      { bookmarkLimitMs: 9_000 },
    );
    const wasSilent = watchFor(() => store.synced && store.silent);
    await until(() => closed);
    await until(() => store.size === 2);
    expect(wasSilent()).toBe(false);
    expect(positions()).toEqual(['1', '2']);
    expect(lists()).toBe(1);
  });

  test.each<[string, Script]>([
    ['ends', (_request, response) => void response.end()],
    ['says nothing either', stay],
  ])(
    'a kind on which nothing happens: asked in time, where the short watch %s, it never counts as dead',
    async (_, short) => {
      const { store } = await start(
        (_request, response) => sendList(response, 5, [pod('a', 2)]),
        [stay, short, stay, short, stay],
        { bookmarkLimitMs: 9_000 },
      );
      await store.whenSynced();
      const unknown = watchFor(() => store.silent || store.failures.length > 0);
      await until(() => lists() === 3);
      expect(unknown()).toBe(false);
      expect(api.requests.filter(isWatch).map(({ query }) => query.get('timeoutSeconds') === '3')).toEqual(
        Array.from({ length: positions().length }, (_one, i) => i % 2 === 1),
      );
      expect(logger.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
    },
  );

  test('an API that does not answer when it is asked: then it is unknown', async () => {
    const { store } = await start((_request, response) => sendList(response, 5, []), [stay], {
      bookmarkLimitMs: 9_000,
    });
    await until(() => positions().length === 1);
    api.answer(stay);
    await until(() => store.silent);
    expect(store.size).toBe(0);
  });

  test('429: it comes back after Retry-After', async () => {
    const { store } = await start((_request, response) => sendList(response, 1, []), [stay]);
    let refusedAt = 0;
    let cameAt = 0;
    api.answer((request, response) => {
      if (!isWatch(request)) return sendList(response, 1, []);
      if (refusedAt === 0) {
        refusedAt = clock.monotonic();
        return sendStatus(response, 429, 'TooManyRequests', 'slow down', {}, { 'Retry-After': '4' });
      }
      cameAt = clock.monotonic();
      response.writeHead(200);
      line(response, 'ADDED', pod('a', 2));
    });
    await until(() => store.size === 1);
    expect(cameAt - refusedAt).toBeGreaterThanOrEqual(3_900);
  });

  test('403: it gives the reason, and asks again slowly', async () => {
    let refused = 0;
    const { store } = await start(
      (_request, response) => {
        if (refused++ < 1)
          sendStatus(response, 403, 'Forbidden', 'pods is forbidden: User "x" cannot list resource "pods"');
        else sendList(response, 5, [pod('a', 1)]);
      },
      [stay],
    );
    await until(() => store.failures.length === 1);
    expect(store.failures[0]?.error).toMatchObject({ code: 'forbidden', reason: 'Forbidden' });
    expect(store.failures[0]?.error.message).toContain('cannot list resource "pods"');
    const startMs = clock.monotonic();
    await store.whenSynced();
    expect(clock.monotonic() - startMs).toBeGreaterThan(10_000);
    expect(store.silent).toBe(false);
  });

  test.each([
    ['a line that is not JSON', (response: ServerResponse) => void response.write('<html>\n')],
    ['an event without an object', (response: ServerResponse) => line(response, 'ADDED', null)],
    ['an event of an unknown type', (response: ServerResponse) => line(response, 'RENAMED', pod('x', 9))],
  ])('%s: it is logged, and everything is listed again', async (_name, send) => {
    const { store } = await start(
      (_request, response) => (lists() === 1 ? sendList(response, 1, []) : sendList(response, 20, [pod('a', 15)])),
      [(_request, response) => send(response), stay],
    );
    await until(() => store.size === 1);
    expect(store.relists).toBe(1);
    const warning = logger.lines.find(({ message }) => message === 'Watch has to start again');
    expect(warning).toMatchObject({ level: 'warn', fields: { kind: 'Pod', code: 'bad-answer' } });
  });

  test('events older than what it knows: they change nothing', async () => {
    const { store, changes } = await start(
      (_request, response) => sendList(response, 100, [pod('a', 90)]),
      [
        (_request, response) => {
          line(response, 'MODIFIED', pod('a', 80, 'stale'));
          line(response, 'ADDED', pod('long-deleted', 70));
          line(response, 'DELETED', pod('a', 85));
          line(response, 'MODIFIED', pod('a', 101, 'n2'));
        },
      ],
    );
    await until(() => store.get('shop', 'a')?.node === 'n2');
    expect(changes.map(({ type }) => type)).toEqual(['added', 'updated']);
  });

  test('an object that was replaced by another of the same name: the old one is reported as deleted', async () => {
    const { store, changes } = await start(
      (_request, response) =>
        sendList(response, 10, [pod('a', lists() === 1 ? 5 : 9, 'n1', lists() === 1 ? 'old' : 'new')]),
      [(_request, response) => line(response, 'ERROR', { code: 410 }), stay],
    );
    await until(() => store.relists === 1 && changes.length === 3);
    expect(changes.map(({ type }) => type)).toEqual(['added', 'deleted', 'added']);
  });

  test('being ended at once again and again, without asking ever faster', async () => {
    const { store } = await start(
      (_request, response) => sendList(response, 1, []),
      [(_request, response) => void response.end()],
    );
    await until(() => positions().length >= 4);
    const count = positions().length;
    expect(store.failures[0]?.error.code).toBe('connection');
    expect(count).toBeLessThan(8);
    expect(lists()).toBe(1);
  });
});

test('ten thousand objects are listed in pages, and only what is trimmed stays', async () => {
  const big = 'x'.repeat(2_000);
  const { store } = await start(
    ({ query }, response) => {
      const from = Number(query.get('continue') ?? 0);
      const items = Array.from({ length: 500 }, (_, i) => {
        const one = pod(`p${from + i}`, 1);
        return { ...one, metadata: { ...one.metadata, annotations: { big } } };
      });
      const next = from + 500 < 10_000 ? String(from + 500) : undefined;
      sendJson(response, 200, { metadata: { resourceVersion: '9', continue: next }, items });
    },
    [stay],
  );
  await store.whenSynced(stop.signal);
  expect(store.size).toBe(10_000);
  expect(lists()).toBe(20);
  expect(JSON.stringify(store.get('shop', 'p9999'))).toBe('{"name":"p9999","node":"n1"}');
});
