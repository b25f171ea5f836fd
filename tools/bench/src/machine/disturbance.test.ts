import { describe, expect, test } from '@jest/globals';
import { busyIn, disturbanceBetween, ownOf, processIn, readTicks, type Ticks } from './disturbance.ts';

const ticks = (more: Partial<Ticks>): Ticks => ({ busy: 0, steal: 0, own: 0, atMs: 0, ...more });

describe('disturbance', () => {
  test('is what others took, as a share of one processor', () => {
    const before = ticks({ busy: 1000, own: 400, atMs: 1000 });
    const after = ticks({ busy: 1250, own: 600, atMs: 3000 });
    expect(disturbanceBetween(before, after)).toBeCloseTo(50 / 200);
  });

  test('is what was stolen too', () => {
    expect(disturbanceBetween(ticks({}), ticks({ steal: 10, atMs: 1000 }))).toBeCloseTo(0.1);
  });

  test('is never below 0, for the two are counted in different ways', () => {
    expect(disturbanceBetween(ticks({}), ticks({ busy: 5, own: 8, atMs: 1000 }))).toBe(0);
  });

  test('does not count the work of this process itself', () => {
    const before = readTicks();
    // By the time of this process and not of the clock: on a busy machine it may run for a part of that only.
    for (const start = process.cpuUsage(); process.cpuUsage(start).user < 100_000;);
    expect(readTicks().own - before.own).toBeGreaterThanOrEqual(3);
  });
});

test('the processors’ time is that of users, nice ones too, and of the system', () => {
  const stat =
    'cpu  927688 12 190822 2379114 5682 0 29034 2423 0 0\ncpu0 462944 0 90959 1197013 774 0 15037 1212 0 0\n';
  expect(busyIn(stat)).toEqual({ busy: 927688 + 12 + 190822, steal: 2423 });
});

test('a process is read whatever its name', () => {
  const stat = '42 (a) R (b) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 100 1 1';
  expect(processIn(stat)).toEqual({ pid: 42, parent: 7, ticks: 100 });
});

test('the own time is that of the process and of all below it', () => {
  const all = [
    { pid: 1, parent: 0, ticks: 1 },
    { pid: 2, parent: 1, ticks: 10 },
    { pid: 3, parent: 2, ticks: 100 },
    { pid: 4, parent: 1, ticks: 1000 },
  ];
  expect([ownOf(all, 2), ownOf(all, 1), ownOf(all, 9)]).toEqual([110, 1111, 0]);
});
