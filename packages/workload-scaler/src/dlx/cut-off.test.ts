import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import type { ServiceAddress } from '@scaler/kube';
import { createFakeClock, recordingLogger } from '@scaler/testing-kit';
import { createCutOff, linksOf } from './cut-off.ts';

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

function dlx(address: string): ServiceAddress {
  return { address, id: address, ready: true, draining: false, ports: {} };
}

/** Three DLX, and what comes to what: `from here to a`, `from b to c`. */
function start(names: readonly string[] = ['a', 'b', 'c']) {
  const clock = createFakeClock();
  const logger = recordingLogger();
  const stop = new AbortController();
  const net = { ready: names.map(dlx), cut: new Set<string>(), api: true, changes: 0 };
  const comes = (from: string, to: string): boolean => ![`${from} ${to}`, to, from].some((one) => net.cut.has(one));
  const cutOff = createCutOff({
    ...{ clock, logger, ready: () => net.ready, onChange: () => void (net.changes += 1) },
    reach: async ({ address }) => {
      if (!comes('here', address)) throw new Error('EHOSTUNREACH');
    },
    reaches: async (by, { address }) => comes('here', by.address) && comes(by.address, address),
    api: async () => {
      if (!net.api) throw new Error('no answer');
    },
  });
  const running = cutOff.run(stop.signal);
  ended.push(async () => {
    stop.abort();
    await running;
  });
  const listed = (): string =>
    cutOff
      .without(net.ready)
      .map(({ address }) => address)
      .join(' ');
  return { clock, logger, net, listed };
}

test('one that is cut off is left out within 3 s, and taken back as soon as it is reached', async () => {
  const { clock, logger, net, listed } = start();
  await clock.advance(10_000);
  net.cut.add('b');
  await clock.advance(1_500);
  expect(listed()).toBe('a b c');
  await clock.advance(1_000);
  expect(listed()).toBe('a c');
  await clock.advance(60_000);
  expect({ listed: listed(), changes: net.changes }).toEqual({ listed: 'a c', changes: 1 });
  net.cut.clear();
  await clock.advance(500);
  expect({ listed: listed(), changes: net.changes }).toEqual({ listed: 'a b c', changes: 2 });
  expect(logger.lines.map(({ message }) => message)).toEqual([
    'A DLX is cut off, so no slice of ours leads to it',
    'A DLX that was cut off is reached again, or gone',
  ]);
});

test('one that another DLX comes to stays, whatever is between it and this process', async () => {
  const { clock, net, listed } = start();
  net.cut.add('here b').add('c b');
  await clock.advance(60_000);
  expect(listed()).toBe('a b c');
  net.cut.add('a b');
  await clock.advance(3_000);
  expect(listed()).toBe('a c');
  net.cut.delete('c b');
  await clock.advance(500);
  expect(listed()).toBe('a b c');
});

test.each<[string, readonly string[], boolean]>([
  ['this process reaches none: it is cut off itself', ['here'], true],
  ['the whole network is cut', ['a', 'b', 'c'], true],
  ['the API does not answer here either', ['b'], false],
])('none is left out where %s', async (_, cut, api) => {
  const { clock, net, listed } = start();
  await clock.advance(5_000);
  for (const one of cut) net.cut.add(one);
  net.api = api;
  await clock.advance(60_000);
  expect({ listed: listed(), changes: net.changes }).toEqual({ listed: 'a b c', changes: 0 });
});

test('of several that are cut off all are left out, but never the last one, of either address family', async () => {
  const { clock, net, listed } = start(['10.0.0.1', '10.0.0.2', 'fd00::1', '10.0.0.3']);
  net.cut.add('10.0.0.2').add('10.0.0.3').add('fd00::1');
  await clock.advance(5_000);
  expect(listed()).toBe('10.0.0.1 fd00::1');
  // The last that was reached goes too: whoever is behind may be as well there as anywhere.
  net.cut.add('10.0.0.1');
  await clock.advance(5_000);
  expect(listed()).toBe('10.0.0.1 10.0.0.2 fd00::1 10.0.0.3');
});

test('a new one is given time, and one that was cut off is forgotten with its pod', async () => {
  const { clock, net, listed } = start(['a']);
  await clock.advance(60_000);
  net.cut.add('b');
  net.ready = ['a', 'b'].map(dlx);
  await clock.advance(1_500);
  expect(listed()).toBe('a b');
  await clock.advance(1_500);
  expect(listed()).toBe('a');
  net.ready = [dlx('a'), { ...dlx('b'), id: 'b-2' }];
  await clock.advance(500);
  expect(listed()).toBe('a b');
});

async function serve(answer: (body: string, token: string | undefined) => string): Promise<number> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => response.end(answer(`${request.url} ${body}`, request.headers.authorization)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ended.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

test('over the network: by a connection to the infrastructure port, and by a question on the control port', async () => {
  const signal = AbortSignal.timeout(5_000);
  const asked: (string | undefined)[] = [];
  const control = await serve((text, token) => {
    asked.push(text, token);
    return JSON.stringify({ replica: 'dlx-1', reached: true });
  });
  const at = (ports: Record<string, number>): ServiceAddress => ({ ...dlx('127.0.0.1'), ports });
  const [by, closed] = [at({ control, infra: control }), at({ infra: 1 })];
  const { reach, reaches } = linksOf(systemClock, async () => 'secret');
  await reach(by, signal);
  await expect(reach(closed, signal)).rejects.toThrow('ECONNREFUSED');
  expect(await reaches(by, closed, signal)).toBe(true);
  expect(asked).toEqual(['/reach {"address":"127.0.0.1","port":1}', 'Bearer secret']);
  expect(await linksOf(systemClock, undefined).reaches(by, closed, signal)).toBe(false);
});
