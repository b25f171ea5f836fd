import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { createFakeClock, type FakeClock } from '@scaler/testing-kit';
import { createRandom } from '@scaler/chaos';

/** Simulated time for this whole process: hours pass in seconds, and real sockets keep up. */
export interface Simulation {
  readonly clock: FakeClock;
  /** Lets time pass. */
  run(ms: number): Promise<void>;
  /** Lets time pass until the predicate holds, checked between two timers. @throws Error after `limitMs`. */
  until(what: string, predicate: () => boolean, limitMs: number): Promise<void>;
  /** Waits, without letting time pass, for work that needs no timer. */
  settled<T>(promise: Promise<T>): Promise<T>;
}

/** After so many turns of the event loop without work nothing is under way on any socket. */
const quietTurns = 3;
/** Kinds of work of which the event loop sees only the end. */
const elsewhere = /^(FS|GetAddrInfo|GetNameInfo|Zlib|PBKDF2|RandomBytes)/;

const events = (): number => performance.nodeTiming.uvMetricsInfo.events;

/**
 * Resolves when the work that has begun is done, as far as it can be without time passing. Loopback delivers at once.
 */
async function quiet(): Promise<void> {
  let before = events();
  for (let turns = 0; turns < quietTurns; turns++) {
    await turn();
    const now = events();
    if (
      now !== before ||
      (turns === quietTurns - 1 && process.getActiveResourcesInfo().some((one) => elsewhere.test(one)))
    )
      turns = -1;
    before = now;
  }
}

/** Seeds all randomness of this process. */
export function createSimulation(seed: number): Simulation {
  Math.random = createRandom(seed).next;
  const clock = createFakeClock();
  const passUntil = async (endMs: number, isOver: () => boolean): Promise<boolean> => {
    for (;;) {
      await quiet();
      if (isOver()) return true;
      const next = clock.pending[0]?.dueAtMs ?? Infinity;
      if (clock.now() >= endMs && next > endMs) return false;
      await clock.advance(Math.min(next, endMs) - clock.now());
    }
  };
  return {
    clock,
    async run(ms) {
      await passUntil(clock.now() + ms, () => false);
    },
    async until(what, predicate, limitMs) {
      if (await passUntil(clock.now() + limitMs, predicate)) return;
      throw new Error(`not so within ${limitMs / 1000} s of simulated time: ${what}`);
    },
    async settled(promise) {
      let settled = false;
      const mark = (): void => void (settled = true);
      promise.then(mark, mark);
      while (!settled) await turn();
      return promise;
    },
  };
}
