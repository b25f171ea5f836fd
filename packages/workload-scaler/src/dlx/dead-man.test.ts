import { expect, test } from '@jest/globals';
import type { ServiceAddress } from '@scaler/kube';
import type { DlxAddresses } from './dlx-addresses.ts';
import { createFakeClock, recordingLogger } from '@scaler/testing-kit';
import { createDeadMan } from './dead-man.ts';

function start() {
  const clock = createFakeClock();
  const logger = recordingLogger();
  const stop = new AbortController();
  const seen = { ready: ['10.0.0.1'] as string[], live: true as boolean | Error, silent: false, reads: 0 };
  const changes: boolean[] = [];
  const dlx = {
    synced: true,
    get silent() {
      return seen.silent;
    },
    get ready() {
      return seen.ready;
    },
    live: async () => {
      seen.reads += 1;
      if (seen.live instanceof Error) throw seen.live;
      return seen.live ? [{ address: '10.0.0.1', ready: true } as ServiceAddress] : [];
    },
  } as unknown as DlxAddresses;
  const onChange = (): void => void changes.push(deadMan.gone);
  const deadMan = createDeadMan({ dlx, limitMs: 60_000, clock, logger, onChange });
  const running = deadMan.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { clock, logger, seen, changes, end };
}

test('it takes the whole limit without a ready DLX, and two live reads that find none', async () => {
  const { clock, seen, changes, end } = start();
  seen.ready = [];
  seen.live = false;
  await clock.advance(60_000);
  expect({ changes, reads: seen.reads }).toEqual({ changes: [], reads: 0 });
  await clock.advance(3_000);
  expect({ changes, reads: seen.reads }).toEqual({ changes: [true], reads: 2 });
  await clock.advance(60_000);
  expect(seen.reads).toBe(2);
  seen.ready = ['10.0.0.2'];
  await clock.advance(1_000);
  expect(changes).toEqual([true, false]);
  await end();
});

test('a rollout of the DLX that is merely slow does not trigger it', async () => {
  const { clock, seen, changes, end } = start();
  seen.live = false;
  for (let rollout = 0; rollout < 3; rollout++) {
    seen.ready = [];
    await clock.advance(58_000);
    seen.ready = ['10.0.0.2'];
    await clock.advance(2_000);
  }
  expect({ changes, reads: seen.reads }).toEqual({ changes: [], reads: 0 });
  await end();
});

test('neither does a watch that is silent, or one that missed what a live read finds', async () => {
  const { clock, seen, changes, end } = start();
  seen.ready = [];
  seen.silent = true;
  await clock.advance(200_000);
  expect(seen.reads).toBe(0);
  seen.silent = false;
  await clock.advance(70_000);
  expect(seen.reads).toBeGreaterThan(0);
  expect(changes).toEqual([]);
  await end();
});

test('that it cannot be told is logged when it begins and when it has ended, not each second', async () => {
  const { clock, logger, seen, changes, end } = start();
  seen.ready = [];
  seen.live = new Error('503');
  await clock.advance(120_000);
  expect(seen.reads).toBeGreaterThan(50);
  seen.live = true;
  await clock.advance(5_000);
  expect(logger.lines.map(({ message }) => message)).toEqual([
    'Cannot tell whether there is a DLX',
    'Whether there is a DLX can be told again',
  ]);
  expect(changes).toEqual([]);
  await end();
});
