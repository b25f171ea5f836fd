import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createFakeClock, type FakeClock } from '../clock.ts';
import { resourceScalerContract } from './contract.ts';
import { type Fault, faultyPlace, faults } from './testing/faulty-scaler.ts';

/** Lets time pass as fast as what is awaited allows: what never ends takes no time either. */
async function inFakeTime<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let ended = false;
  const end = (): void => void (ended = true);
  work.then(end, end);
  while (!ended) {
    const [next] = clock.pending;
    await (next ? clock.advance(next.dueAtMs - clock.now()) : turn());
  }
  return work;
}

describe('a scaler that keeps the contract', () => {
  const clock = createFakeClock();
  const contract = resourceScalerContract(faultyPlace(undefined, clock));
  afterAll(() => inFakeTime(clock, contract.close()));

  test.each(contract.cases.map((one) => [one.name, one] as const))('%s', async (_name, { run }) => {
    expect(await inFakeTime(clock, run())).toBe('kept');
  });
});

test('there is a wrong scaler for each case', () => {
  const { cases } = resourceScalerContract(faultyPlace(undefined, createFakeClock()));
  expect(cases.map(({ name }) => name).toSorted()).toEqual(Object.keys(faults).toSorted());
});

const wrong = Object.entries(faults).flatMap(([name, list]) => list.map((fault) => [fault, name] as const));

test.each<readonly [Fault, string]>(wrong)(
  'a scaler with the fault "%s" is caught by one case: %s',
  async (fault, name) => {
    const clock = createFakeClock();
    const contract = resourceScalerContract(faultyPlace(fault, clock));
    const failed: string[] = [];
    for (const { name: one, run } of contract.cases) {
      await inFakeTime(clock, run()).catch((error: Error) => failed.push(`${one}: ${error.message}`));
    }
    await inFakeTime(clock, contract.close());
    expect(failed).toEqual([expect.stringMatching(new RegExp(`^${name}: `))]);
  },
);

test('a place that cannot be had fails every case, with the reason', async () => {
  const create = () => Promise.reject(new Error('no such cluster'));
  const contract = resourceScalerContract({ ...faultyPlace(undefined, createFakeClock()), create });
  for (const { run } of contract.cases) await expect(run()).rejects.toThrow('no such cluster');
  await contract.close();
});
