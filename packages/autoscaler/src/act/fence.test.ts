import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import type { Verdict } from '../decide/judge.ts';
import { type Peer, peerDirectory } from '../peers/peer.ts';
import { createPeerClient, type PeerClient } from '../peers/peer-client.ts';
import { type FakeDlx, type PeerScript, quietDlx, startFakeDlx } from '../testing/dlx-peer.ts';
import { createFence } from './fence.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function dlx(script: PeerScript, host?: string): Promise<FakeDlx> {
  const fake = await startFakeDlx(script, host);
  closers.push(() => fake.close());
  return fake;
}

function peerClient(clock = systemClock): PeerClient {
  const client = createPeerClient({ clock });
  closers.push(() => client.close());
  return client;
}

const request = { resource: { namespace: 'default', name: 'web' }, epoch: 'e1', addresses: [] };
const signal = new AbortController().signal;
const idle: Verdict = { verdict: 'idle', reasons: ['idle'] };

function fence(peers: readonly Peer[], changes: Partial<Parameters<typeof createFence>[0]> = {}) {
  return createFence({
    peers: peerDirectory(peers),
    client: peerClient(),
    infraPort: 1,
    timeoutMs: 1_000,
    judgeAgain: () => Promise.resolve(idle),
    ...changes,
  });
}

const answering = (answer: object): PeerScript =>
  quietDlx('dlx-2', { '/fence': () => ({ text: JSON.stringify(answer) }) });

test('it is ok when every replica is clear and the samples, read again after that, still say idle', async () => {
  const [one, two] = [await dlx(quietDlx('dlx-1')), await dlx(quietDlx('dlx-2'))];
  const order: string[] = [];
  const judgeAgain = () => {
    order.push(...one.asked, ...two.asked, 'samples');
    return Promise.resolve(idle);
  };
  await expect(fence([one, two], { judgeAgain })(request, signal)).resolves.toEqual({ ok: true });
  expect(order).toEqual(['POST /fence', 'POST /fence', 'samples']);
});

describe('one answer cancels the park', () => {
  test.each<[string, PeerScript, string]>([
    [
      'one held',
      answering({ replica: 'dlx-2', clear: false, held: 1, inFlight: 0, epoch: 'e1' }),
      'has 1 held and 0 in flight for default/web',
    ],
    [
      'its own reason',
      answering({ replica: 'dlx-2', clear: false, held: 0, inFlight: 0, epoch: 'e1', reason: 'draining' }),
      'draining',
    ],
    [
      'clear with one in flight',
      answering({ replica: 'dlx-2', clear: true, held: 0, inFlight: 1, epoch: 'e1' }),
      'contradicts itself',
    ],
    [
      'another epoch',
      answering({ replica: 'dlx-2', clear: true, held: 0, inFlight: 0, epoch: 'e0' }),
      'epoch e0, not e1',
    ],
    [
      'clear as text',
      answering({ replica: 'dlx-2', clear: 'true', held: 0, inFlight: 0, epoch: 'e1' }),
      'clear "true"',
    ],
    ['a negative count', answering({ replica: 'dlx-2', clear: true, held: -1, inFlight: 0, epoch: 'e1' }), 'held -1'],
    ['garbage', quietDlx('dlx-2', { '/fence': () => ({ text: '<html>' }) }), 'no JSON'],
    ['status 503', quietDlx('dlx-2', { '/fence': () => ({ status: 503, text: '{}' }) }), 'status 503'],
    ['status 204', quietDlx('dlx-2', { '/fence': () => ({ status: 204, text: '' }) }), 'status 204'],
  ])('%s', async (_name, script, reason) => {
    const [one, two] = [await dlx(quietDlx('dlx-1')), await dlx(script)];
    let asked = false;
    const judgeAgain = () => {
      asked = true;
      return Promise.resolve(idle);
    };
    const answer = await fence([one, two], { judgeAgain })(request, signal);
    expect(answer).toEqual({ ok: false, reason: expect.stringContaining(reason) });
    expect((answer as { reason: string }).reason).toContain(`127.0.0.1:${two.port}`);
    expect(asked).toBe(false);
  });

  test('a replica that does not answer within the limit, by the clock', async () => {
    const clock = createFakeClock();
    const reached = Promise.withResolvers<void>();
    const silent = await dlx(() => {
      reached.resolve();
      return 'never';
    });
    const answer = fence([silent], { client: peerClient(clock) })(request, signal);
    await reached.promise;
    await clock.advance(999);
    expect(clock.pending).toHaveLength(1);
    await clock.advance(1);
    await expect(answer).resolves.toEqual({
      ok: false,
      reason: `DLX 127.0.0.1:${silent.port} did not answer within 1000 ms`,
    });
  });

  test('a replica that is not there', async () => {
    const gone = await startFakeDlx(quietDlx('gone'));
    await gone.close();
    await expect(fence([gone])(request, signal)).resolves.toEqual({
      ok: false,
      reason: expect.stringMatching(/did not answer: .*ECONNREFUSED/),
    });
  });

  test('an address that traffic is diverted to and no directory knows is asked too', async () => {
    const known = await dlx(quietDlx('dlx-1'));
    const draining = await dlx(
      answering({ replica: 'old', clear: false, held: 0, inFlight: 2, epoch: 'e1' }),
      '127.0.0.9',
    );
    const asked = { ...request, addresses: ['127.0.0.1', '127.0.0.9'] };
    const answer = await fence([known], { infraPort: draining.port })(asked, signal);
    expect(answer).toEqual({ ok: false, reason: expect.stringContaining('DLX old (127.0.0.9') });
    expect(known.asked).toEqual(['POST /fence']);
  });
});

test('without any replica, or when they cannot be listed, it is not ok', async () => {
  await expect(fence([])(request, signal)).resolves.toEqual({ ok: false, reason: 'no DLX replica is known' });
  const peers = { live: () => Promise.reject(new Error('503')) };
  await expect(fence([], { peers })(request, signal)).resolves.toEqual({
    ok: false,
    reason: 'the DLX replicas cannot be listed: 503',
  });
});

test.each(['busy', 'unknown'] as const)(
  'samples that say %s when read again cancel it, with their reasons',
  async (verdict) => {
    const one = await dlx(quietDlx('dlx-1'));
    const judgeAgain = () => Promise.resolve({ verdict, reasons: ['requests_per_1m is 3, above 0'] });
    await expect(fence([one], { judgeAgain })(request, signal)).resolves.toEqual({
      ok: false,
      reason: 'no longer idle when asked again: requests_per_1m is 3, above 0',
    });
  },
);

test('an abort ends it at once, with the reason', async () => {
  const stop = new AbortController();
  const reason = new Error('the Lease was lost');
  const silent = await dlx(() => {
    stop.abort(reason);
    return 'never';
  });
  await expect(fence([silent])(request, stop.signal)).rejects.toBe(reason);
});
