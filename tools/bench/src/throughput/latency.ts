import { figureOf, none } from '../figure.ts';
import { startGenerator } from '../load/closed-load.ts';
import { minimal } from '../load/requests.ts';
import { measureRounds, type Round } from '../pairs.ts';
import { startApp } from '../proxies/app.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { startLineUp } from './line-up.ts';
import { outcomesMissing } from './outcomes.ts';
import { doubtIfDisturbed, measureWindow, tolerance, type Window } from './window.ts';

const perSecond = 2000;

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
      return measureWindow(side, async () => {
        const { tookMs, status } = await calls.paced({
          port: side.port,
          request: minimal,
          steps: [{ perSecond, seconds }],
        });
        const failed = status.filter((got) => got !== 200).length;
        const [p50Ms, p99Ms] = [percentile(tookMs, 0.5), percentile(tookMs, 0.99)];
        return { requests: tookMs.length, seconds, bytes: 0, failed, p50Ms, p99Ms };
      });
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
};

function addedBy(rounds: readonly Round<Window>[], side: string): Figure[] {
  const added = (number: (window: Window) => number): number[] =>
    rounds.map(({ sides }) => {
      const [proxied, direct] = [sides[side], sides['direct']];
      return proxied === undefined || direct === undefined ? Number.NaN : number(proxied) - number(direct);
    });
  const isDlx = side === 'DLX';
  return [
    figureOf(
      `${side}: added to p50`,
      'ms',
      added(({ p50Ms }) => p50Ms),
      isDlx ? { atMost: 0.3 } : {},
    ),
    figureOf(
      `${side}: added to p99`,
      'ms',
      added(({ p99Ms }) => p99Ms),
      isDlx ? { atMost: 3 } : {},
    ),
  ];
}
