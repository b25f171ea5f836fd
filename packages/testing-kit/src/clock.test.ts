import { describe, expect, test } from '@jest/globals';
import { createFakeClock } from './clock.ts';

describe('the fake clock', () => {
  test('runs timers in order of due time, each at its own time, and no later one', async () => {
    const clock = createFakeClock(1_000);
    const seen: [string, number, number][] = [];
    const note = (name: string) => (): void => void seen.push([name, clock.now(), clock.monotonic()]);
    clock.after(20, note('second'));
    clock.after(10, note('first'));
    clock.after(20, note('third'));
    clock.after(31, note('never'));
    await clock.advance(30);
    expect(seen).toEqual([
      ['first', 1_010, 10],
      ['second', 1_020, 20],
      ['third', 1_020, 20],
    ]);
    expect(clock.now()).toBe(1_030);
    expect(clock.pending.map((timer) => timer.dueAtMs)).toEqual([1_031]);
  });

  test('lets woken code set its next timer within the same advance', async () => {
    const clock = createFakeClock(0);
    const times: number[] = [];
    const loop = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(10);
        await Promise.resolve();
        times.push(clock.now());
      }
    };
    const done = loop();
    await clock.advance(30);
    await done;
    expect(times).toEqual([10, 20, 30]);
  });

  test('forgets a cancelled timer and ends an aborted sleep', async () => {
    const clock = createFakeClock();
    let fired = false;
    clock.after(5, () => (fired = true))();
    const abort = new AbortController();
    const sleeping = clock.sleep(5, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(clock.pending).toEqual([]);
    await clock.advance(10);
    expect(fired).toBe(false);
  });

  test('refuses to be advanced twice at once, and passes on what a timer throws', async () => {
    const clock = createFakeClock();
    const first = clock.advance(1);
    await expect(clock.advance(1)).rejects.toThrow('already running');
    await first;
    clock.after(1, () => {
      throw new Error('from the timer');
    });
    await expect(clock.advance(1)).rejects.toThrow('from the timer');
  });
});
