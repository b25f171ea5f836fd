import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { askCosts, startCosting, untilCosts } from '../testing/costs/costing.ts';
import { freePort } from '../testing/free-port.ts';
import { testSettings } from '../testing/harness.ts';
import { startHttp2App } from '../testing/http2.ts';
import { startTcp } from '../testing/upstream.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const settings = {
  ...testSettings,
  holdTimeoutMs: 600_000,
  holdLimit: 10_000,
  holdBytesTotal: 2 ** 40,
};

/** So many requests in HTTP/1, or raw connections, each on a connection of its own. */
function raw(text: string, count: number, toTcp = false): (ports: readonly number[]) => number {
  return ([http, tcp]) => {
    for (let i = 0; i < count; i++) {
      const socket = connect((toTcp ? tcp : http) as number, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(text);
      ends.push(() => socket.destroy());
    }
    return count;
  };
}

/** So many in HTTP/2, on one connection. */
function streams(fields: OutgoingHttpHeaders, count: number): (ports: readonly number[]) => number {
  return ([http]) => {
    const session = connectHttp2(`http://127.0.0.1:${http}`, { maxSendHeaderBlockLength: 2 ** 20 });
    session.on('error', () => {});
    ends.push(() => session.destroy());
    const head = { ':authority': 'web', ':path': '/', ...fields };
    for (let i = 0; i < count; i++) session.request(head).on('error', () => {});
    return count;
  };
}

const large = 'a'.repeat(60_000);
const get = (fields: string, path = '/'): string => `GET ${path} HTTP/1.1\r\nhost: web\r\n${fields}\r\n`;
const names = Array.from({ length: 1900 }, (_, i) => `a${i.toString(36)}`);
const tiny = names.map((name) => `${name}:\r\n`).join('');
const upload = `POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 240000\r\n\r\n${large.repeat(4)}`;
const upgrade = 'connection: upgrade\r\nupgrade: x\r\n';

test.each([
  ['small requests', raw(get(''), 300)],
  ['1,900 tiny fields', raw(get(tiny), 50)],
  ['1,900 fields that are joined', raw(get('x-forwarded-for: 1.2.3.4\r\n'.repeat(1900)), 50)],
  ['a long URL', raw(get('', `/${large}`), 100)],
  ['a body', raw(upload, 100)],
  ['offers to upgrade, with bytes behind them', raw(get(upgrade) + large.repeat(4), 100)],
  ['raw connections with much to say', raw(large.repeat(4), 100, true)],
  ['streams with 1,900 tiny fields', streams(Object.fromEntries(names.map((name) => [name, ''])), 50)],
])(
  '%s: what is counted as held is what it takes',
  async (_name, drive) => {
    const tcpPort = await freePort();
    const { child, port, end } = await startCosting(settings, tcpPort);
    ends.push(end);
    const before = await askCosts(child);
    const count = drive([port, tcpPort]);
    await untilCosts(child, ({ held }) => held === count);
    // What is still on its way comes into sockets that are read on.
    const now = await askCosts(child);
    expect(now.heldBytes).toBeGreaterThan(0.8 * (now.used - before.used));
  },
  60_000,
);

test.each([
  ['requests', raw(get('').replace('web', 'app'), 200), 'http1'],
  ['streams', streams({ ':authority': 'app' }, 200), 'http2'],
] as const)(
  'in flight, %s: what is counted is what it takes',
  async (_name, drive, protocol) => {
    const app = protocol === 'http1' ? await startTcp(() => {}) : await startHttp2App(() => {});
    const { child, port, end } = await startCosting(settings, 1, app.endpoint.port);
    ends.push(end);
    const before = await askCosts(child);
    const count = drive([port]);
    await untilCosts(child, ({ held, inFlight }) => held + inFlight === count);
    const now = await askCosts(child);
    expect(now.ledger).toBeGreaterThan(0.8 * (now.used - before.used));
  },
  60_000,
);
