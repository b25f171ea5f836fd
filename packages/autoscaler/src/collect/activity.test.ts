import { afterEach, describe, expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { systemClock } from '@scaler/scaler-types';
import { type Peer, peerDirectory } from '../peers/peer.ts';
import { createPeerClient } from '../peers/peer-client.ts';
import { activity, type FakeDlx, quietDlx, startFakeDlx } from '../testing/dlx-peer.ts';
import { aResource, wantSettings } from '../testing/facts.ts';
import { createActivitySource } from './activity.ts';
import { wantsOf } from './want.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const signal = new AbortController().signal;
const key = 'default/web';
const quiet = { held: 0, inFlight: 0, openStreams: 0, arrivals: 9, lastArrivalAgeMs: 60_000 };

const idleness = wantsOf(aResource({ scaleResources: [], dlxSeesAll: true, idleAfterMs: 60_000 }), wantSettings);
const use = wantsOf(aResource({ scaleResources: [], idleAfterMs: 60_000 }), wantSettings);

async function dlx(answer: () => unknown, replica = 'dlx-1'): Promise<FakeDlx> {
  const fake = await startFakeDlx(quietDlx(replica, { '/activity': () => ({ text: JSON.stringify(answer()) }) }));
  closers.push(() => fake.close());
  return fake;
}

function source(peers: () => readonly Peer[], clock = createFakeClock()) {
  const client = createPeerClient({ clock: systemClock });
  closers.push(() => client.close());
  const directory = { live: (s: AbortSignal) => peerDirectory(peers()).live(s) };
  const activitySource = createActivitySource({
    peers: directory,
    client,
    clock,
    timeoutMs: 1_000,
    listTimeoutMs: 1_000,
  });
  return async (wants = idleness) => {
    const { samples, failures } = await activitySource.collect(wants, { signal });
    return { sample: samples.get(wants[0]?.key ?? ''), failures };
  };
}

describe('a request is counted', () => {
  test.each<[string, object, number]>([
    ['no arrival ever', {}, 0],
    ['the last arrival exactly one window ago', { [key]: quiet }, 0],
    ['the last arrival less than a window ago', { [key]: { ...quiet, lastArrivalAgeMs: 59_999 } }, 1],
    ['a request that took long and ended less than a window ago', { [key]: { ...quiet, lastEndAgeMs: 59_999 } }, 1],
    ['one that ended a window ago', { [key]: { ...quiet, lastEndAgeMs: 60_000 } }, 0],
    ['held and in flight', { [key]: { ...quiet, held: 1, inFlight: 2 } }, 3],
    ['streams, which are in flight too', { [key]: { ...quiet, inFlight: 3, openStreams: 2 } }, 3],
    ['streams that are not counted as in flight', { [key]: { ...quiet, openStreams: 2 } }, 2],
    ['one in flight that has just arrived', { [key]: { ...quiet, inFlight: 1, lastArrivalAgeMs: 0 } }, 1],
    ['another resource', { 'default/other': { ...quiet, held: 1 } }, 0],
  ])('%s', async (_name, resources, value) => {
    const one = await dlx(() => activity('dlx-1', resources));
    const collect = source(() => [one]);
    expect(await collect()).toMatchObject({ sample: { known: true, value, ageMs: 0 }, failures: [] });
  });

  test('over all replicas', async () => {
    const one = await dlx(() => activity('dlx-1', { [key]: { ...quiet, held: 1 } }));
    const two = await dlx(() => activity('dlx-2', { [key]: { ...quiet, inFlight: 1 } }));
    expect((await source(() => [one, two])()).sample).toMatchObject({ value: 2 });
  });

  test('last arrivals are no requests: two replicas with one each make it used, once', async () => {
    const one = await dlx(() => activity('dlx-1', { [key]: { ...quiet, lastArrivalAgeMs: 5 } }));
    const two = await dlx(() => activity('dlx-2', { [key]: { ...quiet, lastArrivalAgeMs: 6 } }));
    expect((await source(() => [one, two])()).sample).toMatchObject({ value: 1 });
  });
});

describe('activity is unknown', () => {
  test('everything while a replica does not answer, unless another one knows of use', async () => {
    let held = 0;
    const one = await dlx(() => activity('dlx-1', { [key]: { ...quiet, held } }));
    const gone = await startFakeDlx(quietDlx('gone'));
    await gone.close();
    const collect = source(() => [one, gone]);
    for (const wants of [idleness, use]) {
      const { sample, failures } = await collect(wants);
      expect(sample).toEqual({ known: false, reason: expect.stringContaining(`127.0.0.1:${gone.port}`) });
      expect(failures).toHaveLength(1);
    }
    held = 1;
    expect((await collect()).sample).toMatchObject({ known: true, value: 1 });
  });

  test.each<[string, unknown]>([
    ['no object', 5],
    ['no resources', { replica: 'x', startedAt: 1, now: 2 }],
    ['a count that is none', activity('x', { [key]: { ...quiet, held: 'many' } })],
    ['no start', { ...activity('x'), startedAt: null }],
  ])('an answer with %s', async (_name, answer) => {
    const one = await dlx(() => answer);
    const { sample, failures } = await source(() => [one])();
    expect(sample).toMatchObject({ known: false });
    expect(failures).toHaveLength(1);
  });

  test('no replicas at all, or a directory that fails', async () => {
    expect((await source(() => [])()).sample).toEqual({ known: false, reason: 'no DLX replica is known' });
    const failing = source(() => {
      throw new Error('503');
    });
    expect((await failing()).sample).toMatchObject({ reason: 'the DLX replicas cannot be listed: 503' });
  });

  test('everything when the list of replicas does not come in time', async () => {
    const clock = createFakeClock();
    const client = createPeerClient({ clock: systemClock });
    closers.push(() => client.close());
    const never = { live: () => new Promise<readonly Peer[]>(() => undefined) };
    const slow = createActivitySource({ peers: never, client, clock, timeoutMs: 1_000, listTimeoutMs: 2_000 });
    const collected = slow.collect(idleness, { signal });
    await clock.advance(2_000);
    expect((await collected).failures).toEqual(['the DLX replicas cannot be listed: it took longer than 2s']);
  });
});

describe('how far back the count goes', () => {
  test('is the youngest replica', async () => {
    const one = await dlx(() => activity('dlx-1', {}, 59_999));
    const two = await dlx(() => activity('dlx-2', {}, 70_000));
    const { sample } = await source(() => [two, one])();
    expect(sample).toMatchObject({ known: true, value: 0, covered: { ms: 59_999, since: 'DLX dlx-1 started' } });
  });

  test('is the moment when a replica was heard last that went away', async () => {
    const clock = createFakeClock();
    const one = await dlx(() => activity('dlx-1'));
    const two = await dlx(() => activity('dlx-2'), 'dlx-2');
    let peers = [one, two];
    const collect = source(() => peers, clock);
    await collect();
    peers = [one];
    await clock.advance(59_999);
    expect((await collect()).sample).toMatchObject({
      covered: { ms: 59_999, since: 'DLX dlx-2 went away, and its count with it,' },
    });
    await clock.advance(1);
    expect((await collect()).sample).toMatchObject({ covered: { ms: 60_000 } });
  });

  test('begins when a replica started again under the same name', async () => {
    let startedAt = 1_000_000;
    const one = await dlx(() => ({ ...activity('dlx-1'), startedAt }));
    const collect = source(() => [one]);
    await collect();
    startedAt += 1;
    expect((await collect()).sample).toMatchObject({ covered: { ms: 0 } });
  });
});

test('times may be ISO 8601', async () => {
  const one = await dlx(() => ({
    ...activity('dlx-1'),
    startedAt: '2026-01-01T00:00:00Z',
    now: '2026-01-01T01:00:00Z',
  }));
  expect((await source(() => [one])()).sample).toMatchObject({ known: true, value: 0 });
});
