import { measureLives } from '../against/lives.ts';
import type { Side } from '../against/sides.ts';
import { compare, type Comparison } from '../against/verdict.ts';
import { figureOf, none } from '../figure.ts';
import { startGenerator } from '../load/closed-load.ts';
import { minimal } from '../load/requests.ts';
import { measureRounds, numbers, type Round } from '../pairs.ts';
import type { Worker } from '../processes/child.ts';
import type { GeneratorCalls } from '../load/generator.ts';
import type { Load } from '../load/load.ts';
import { startApp } from '../proxies/app.ts';
import type { AgainstRun, Figure, Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { startLineUp } from './line-up.ts';
import { outcomesMissing } from './outcomes.ts';
import { doubtIfDisturbed, measureWindow, tolerance, type Window } from './window.ts';

const perSecond = 2000;
/** A proxy adds something: less than this is noise, of which no ratio can be taken. */
const leastAddedMs = 0.01;

type Latency = Pick<Window, 'p50Ms' | 'p99Ms'>;
type NumberOf = (measured: Latency) => number;

export const latency: Scenario = {
  name: 'latency',
  doc: 'What a proxy adds to the latency at 2,000 requests per second, counted from when each was due.',
  needs: ['nginx'],
  async run(context) {
    const { quick, rounds, log } = context;
    await using stack = new AsyncDisposableStack();
    const app = stack.adopt(await startApp(), ({ stop }) => stop());
    const { calls } = stack.adopt(await startGenerator(), ({ stop }) => stop());
    const { dlx, sides } = stack.use(await startLineUp(app, context));
    const ports = new Map([['direct', app], ...sides]);
    const measure = (name: string, seconds: number): ReturnType<typeof measureWindow> => {
      const side = ports.get(name);
      if (side === undefined) throw new Error(`no side ${name}`);
      return measureWindow(side, () => loadWindow(calls, side.port, seconds));
    };
    for (const name of ports.keys()) await measure(name, quick ? 1 : 4);
    const measured = await measureRounds<Window>({
      sides: [...ports.keys()],
      rounds,
      spare: quick ? 1 : rounds,
      tolerance,
      measure: (name) => measure(name, quick ? 1 : 5),
      onRound(round, isDisturbed) {
        context.keep({ ...round, isDisturbed });
        const texts = Object.entries(round.sides).map(
          ([name, { p50Ms, p99Ms }]) => `${name} ${p50Ms.toFixed(2)}/${p99Ms.toFixed(2)}`,
        );
        const others = `others ${(round.disturbance * 100).toFixed(1)} %`;
        log(`p50/p99 in ms: ${texts.join(' · ')} · ${others}${isDisturbed ? ', disturbed' : ''}`);
      },
    });
    doubtIfDisturbed(context, measured);
    const { kept, dropped, disturbed } = measured;
    return [
      ...[...sides.keys()].flatMap((side) => addedBy(kept, side)),
      none('requests failed', Math.max(...kept.map((round) => round.sides['DLX']?.failed ?? Number.NaN))),
      await outcomesMissing(dlx.dlx),
      { name: 'rounds dropped', value: dropped.length, unit: '' },
      { name: 'rounds kept although disturbed', value: disturbed, unit: '' },
    ];
  },
  against: compareTrees,
};

async function loadWindow(calls: Worker<GeneratorCalls>['calls'], port: number, seconds: number): Promise<Load> {
  const { tookMs, status } = await calls.paced({ port, request: minimal, steps: [{ perSecond, seconds }] });
  const failed = status.filter((got) => got !== 200).length;
  const [p50Ms, p99Ms] = [percentile(tookMs, 0.5), percentile(tookMs, 0.99)];
  return { requests: tookMs.length, seconds, bytes: 0, failed, p50Ms, p99Ms };
}

async function compareTrees(run: AgainstRun): Promise<readonly Comparison[]> {
  await using stack = new AsyncDisposableStack();
  const app = stack.adopt(await startApp(), ({ stop }) => stop());
  const { calls } = stack.adopt(await startGenerator(), ({ stop }) => stop());
  const rounds = await measureLives(run, {
    app,
    direct: true,
    load: (port) => loadWindow(calls, port, run.quick ? 1 : 5),
    text: ({ p50Ms, p99Ms }) => `${p50Ms.toFixed(2)}/${p99Ms.toFixed(2)} ms`,
  });
  return [
    compareAdded('added to p50', rounds, ({ p50Ms }) => p50Ms),
    compareAdded('added to p99', rounds, ({ p99Ms }) => p99Ms),
  ];
}

export function compareAdded(figure: string, rounds: readonly Round<Latency>[], number: NumberOf): Comparison {
  const of = (side: Side): number[] => addedTo(rounds, side, number).map((ms) => Math.max(ms, leastAddedMs));
  return compare({ figure, unit: 'ms', lessIsBetter: true, now: of('now'), before: of('before') });
}

function addedTo(rounds: readonly Round<Latency>[], side: string, number: NumberOf): number[] {
  const direct = numbers(rounds, 'direct', number);
  return numbers(rounds, side, number).map((ms, i) => ms - (direct[i] ?? Number.NaN));
}

function addedBy(rounds: readonly Round<Latency>[], side: string): Figure[] {
  const isDlx = side === 'DLX';
  const of = (name: string, number: NumberOf, atMost: number): Figure =>
    figureOf(`${side}: ${name}`, 'ms', addedTo(rounds, side, number), isDlx ? { atMost } : {});
  return [of('added to p50', ({ p50Ms }) => p50Ms, 0.3), of('added to p99', ({ p99Ms }) => p99Ms, 3)];
}
