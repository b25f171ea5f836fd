import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';
import { countBuiltIns } from './built-ins.ts';

/**
 * Counts the steps of code by the profiler of V8: how often each block of each function ran, and how much its built-in
 * functions went through. The same work has the same count on any machine, however busy, since no time is measured.
 */
export interface StepCounter {
  /** The steps of one call. `work` must be over when it returns; its result is dropped. */
  count(work: () => unknown): number;
  stop(): void;
}

interface Coverage {
  readonly result: readonly {
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

/** Begins to count. Code is counted block by block that runs for the first time after it: import it then. */
export function startStepCounter(): StepCounter {
  // Compiled for speed, a function that is built into another is not counted.
  for (const flag of ['--no-turbofan', '--no-maglev']) setFlagsFromString(flag);
  const session = new Session();
  session.connect();
  const post = (method: string, params: object = {}): unknown => {
    let answer: unknown;
    session.post(method, params, (error, result) => {
      if (error !== null) throw new Error(`${method} failed: ${error.message}`);
      answer = result;
    });
    return answer;
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const take = (): number => {
    const { result } = post('Profiler.takePreciseCoverage') as Coverage;
    let steps = 0;
    for (const { functions } of result)
      for (const { ranges } of functions) for (const { count } of ranges) steps += count;
    return steps;
  };
  // Each look at the profiler goes through all code there is: three of them are as few as can be.
  const measure = (work: () => unknown): number => {
    take();
    work();
    const first = take();
    work();
    return Math.min(first, take());
  };
  let own = 0;
  const count = (work: () => unknown): number => {
    // V8 counts a function only once it has been called a few times.
    work();
    // The built-ins in a run of their own, since the code that counts them would be counted too.
    const blocks = measure(work) - own;
    return Math.max(1, blocks) + countBuiltIns(() => void work());
  };
  count(() => undefined);
  own = measure(() => undefined);
  return {
    count,
    stop: () => {
      for (const flag of ['--turbofan', '--maglev']) setFlagsFromString(flag);
      post('Profiler.stopPreciseCoverage');
      post('Profiler.disable');
      session.disconnect();
    },
  };
}
