import { figureOf, none } from '../figure.ts';
import type { AppCalls } from '../hold/app.ts';
import { loopback, sleeper } from '../hold/stage.ts';
import { startGenerator } from '../load/closed-load.ts';
import { minimal } from '../load/requests.ts';
import { cores } from '../machine/cores.ts';
import { disturbanceBetween, readTicks } from '../machine/disturbance.ts';
import { measureRounds, numbers } from '../pairs.ts';
import { startWorker } from '../processes/child.ts';
import { startDlx } from '../processes/dlx.ts';
import type { Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { outcomesMissing } from './outcomes.ts';
import { doubtIfDisturbed, tolerance } from './window.ts';
import { beside } from '../processes/beside.ts';

/** The results of one ramp, as its clients saw them. */
interface Ramp {
  readonly requests: number;
  readonly failed: number;
  readonly firstAnswerMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly connections: number;
}

const appTookMs = 100;
const wakeTookMs = 500;
const rates = [1000, 2000, 3000];

export const ramp: Scenario = {
  name: 'ramp',
  doc: 'From zero: 1,000, 2,000, 3,000 requests per second to a sleeper whose app takes 100 ms for each.',
  async run(context) {
    const { quick, rounds, log } = context;
    const seconds = quick ? 1 : 3;
    await using stack = new AsyncDisposableStack();
    const app = stack.adopt(
      await startWorker<AppCalls>(beside(import.meta, '../hold/app'), { core: cores.others }),
      ({ stop }) => stop(),
    );
    const { calls } = stack.adopt(await startGenerator(), ({ stop }) => stop());
    const dlx = stack.adopt(await startDlx({ core: cores.proxy }), ({ stop }) => stop());
    const port = await app.calls.listen({ tookMs: appTookMs });
    await dlx.control.set([sleeper('web')]);
    await dlx.control.plan('web', { tookMs: wakeTookMs, endpoints: [loopback(port)] });

    const measure = async (ofEach: number): Promise<{ measured: Ramp; disturbance: number }> => {
      await dlx.control.park('web');
      await dlx.control.scaleCalls();
      const ticks = readTicks();
      const steps = rates.map((perSecond) => ({ perSecond, seconds: ofEach }));
      const { dueMs, tookMs, status, connections } = await calls.paced({ port: dlx.port, request: minimal, steps });
      const disturbance = disturbanceBetween(ticks, readTicks());
      await app.calls.seen();
      const [wake] = await dlx.control.scaleCalls();
      if (wake === undefined) throw new Error('it was not woken');
      const awake = tookMs.filter((_, i) => (dueMs[i] ?? 0) >= wake.atMs + wakeTookMs);
      return {
        measured: {
          requests: status.length,
          failed: status.filter((got) => got !== 200).length,
          firstAnswerMs: tookMs[0] ?? Number.NaN,
          p50Ms: percentile(awake, 0.5),
          p95Ms: percentile(awake, 0.95),
          p99Ms: percentile(awake, 0.99),
          connections,
        },
        disturbance,
      };
    };
    await measure(1);
    const result = await measureRounds<Ramp>({
      sides: ['DLX'],
      rounds,
      spare: quick ? 1 : rounds,
      tolerance,
      measure: () => measure(seconds),
      onRound(round, isDisturbed) {
        context.keep({ ...round, isDisturbed });
        const { failed, p95Ms, p99Ms } = round.sides['DLX'] as Ramp;
        const others = `others ${(round.disturbance * 100).toFixed(1)} %${isDisturbed ? ', disturbed' : ''}`;
        log(`${failed} failed · awake: p95 ${p95Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms · ${others}`);
      },
    });
    doubtIfDisturbed(context, result);
    const { kept, dropped, disturbed } = result;
    const of = (number: (one: Ramp) => number): number[] => numbers(kept, 'DLX', number);
    return [
      none('requests failed', Math.max(...of(({ failed }) => failed))),
      figureOf(
        'p95 once awake',
        'ms',
        of(({ p95Ms }) => p95Ms),
        { atMost: 110 },
      ),
      figureOf(
        'p50 once awake',
        'ms',
        of(({ p50Ms }) => p50Ms),
      ),
      figureOf(
        'p99 once awake',
        'ms',
        of(({ p99Ms }) => p99Ms),
      ),
      figureOf(
        `first answer, with a wake of ${wakeTookMs} ms`,
        'ms',
        of(({ firstAnswerMs }) => firstAnswerMs),
      ),
      await outcomesMissing(dlx),
      { name: 'rounds dropped', value: dropped.length, unit: '' },
      { name: 'rounds kept although disturbed', value: disturbed, unit: '' },
    ];
  },
};
