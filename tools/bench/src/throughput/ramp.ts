import { type Bounds, figureOf, none } from '../figure.ts';
import { openStage, outcomesMissing } from '../hold/stage.ts';
import { startGenerator } from '../load/closed-load.ts';
import { minimal } from '../load/requests.ts';
import { disturbanceFigures, numbers, runRounds } from '../pairs.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

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
    const { quick, rounds } = context;
    await using stage = openStage();
    await using generator = await startGenerator();
    const app = await stage.app();
    const dlx = await stage.dlxBefore(await app.listen({ tookMs: appTookMs }), { tookMs: wakeTookMs });

    const measure = async (seconds: number): Promise<Ramp> => {
      await dlx.control.park('web');
      await dlx.control.scaleCalls();
      const steps = rates.map((perSecond) => ({ perSecond, seconds }));
      const paced = await generator.calls.paced({ port: dlx.port, request: minimal, steps });
      const { dueMs, tookMs, status, connections } = paced;
      await app.seen();
      const [wake] = await dlx.control.scaleCalls();
      if (wake === undefined) throw new Error('it was not woken');
      const awake = tookMs.filter((_, i) => (dueMs[i] ?? 0) >= wake.atMs + wakeTookMs);
      return {
        requests: status.length,
        failed: status.filter((got) => got !== 200).length,
        firstAnswerMs: tookMs[0] ?? Number.NaN,
        p50Ms: percentile(awake, 0.5),
        p95Ms: percentile(awake, 0.95),
        p99Ms: percentile(awake, 0.99),
        connections,
      };
    };
    await measure(1);
    const measured = await runRounds<Ramp>(context, {
      ...{ sides: ['DLX'], rounds, spare: quick ? 1 : rounds },
      measure: () => measure(quick ? 1 : 3),
      text: ({ failed, p95Ms, p99Ms }) =>
        `${failed} failed, awake: p95 ${p95Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
    });
    const of = (name: string, number: (one: Ramp) => number, bounds?: Bounds): Figure =>
      figureOf(name, 'ms', numbers(measured.kept, 'DLX', number), bounds);
    return [
      none('requests failed', Math.max(...numbers(measured.kept, 'DLX', ({ failed }) => failed))),
      of('p95 once awake', ({ p95Ms }) => p95Ms, { atMost: 110 }),
      of('p50 once awake', ({ p50Ms }) => p50Ms),
      of('p99 once awake', ({ p99Ms }) => p99Ms),
      of(`first answer, with a wake of ${wakeTookMs} ms`, ({ firstAnswerMs }) => firstAnswerMs),
      await outcomesMissing(dlx),
      ...disturbanceFigures(measured),
    ];
  },
};
