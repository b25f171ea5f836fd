import { holdOnce } from '../hold/held.ts';
import { startClosedLoad } from '../load/closed-load.ts';
import type { RequestHead } from '../load/load.ts';
import { browser, minimal } from '../load/requests.ts';
import { cores } from '../machine/cores.ts';
import { disturbanceBetween, readTicks } from '../machine/disturbance.ts';
import { measureRounds, numbers, type Round } from '../pairs.ts';
import { startApp } from '../proxies/app.ts';
import { startDlxProxy } from '../proxies/dlx-proxy.ts';
import { warmUp } from '../throughput/warm-up.ts';
import { measureWindow, tolerance, type Window } from '../throughput/window.ts';
import { buildCommit } from './built-commit.ts';
import { compare, type Comparison, comparisonText, standingOf } from './verdict.ts';

/** Pairs of each scenario, at least. */
export const leastPairs = 20;
/** One start may be compiled more luckily than another: both programs are started anew so often. */
const lives = 4;
const connections = 64;
const heldAtOnce = { full: 10_000, quick: 2_000 };
/** The most memory that a held request may take. */
const mostHeldKB = 12;

type Side = 'now' | 'before';
const sides: readonly Side[] = ['now', 'before'];

export interface AgainstOptions {
  readonly commit: string;
  /** Of {@link comparable}; empty: all. */
  readonly names: readonly string[];
  readonly quick: boolean;
  readonly pairs: number;
  log(line: string): void;
}

interface Run extends Pick<AgainstOptions, 'quick' | 'pairs' | 'log'> {
  readonly programs: Readonly<Record<Side, string | undefined>>;
}

const scenarios: Readonly<Record<string, (run: Run) => Promise<Comparison[]>>> = {
  small: (run) => throughput(minimal, run),
  headers: (run) => throughput(browser, run),
  held,
};

/** The scenarios that can be run against another commit. */
export const comparable: readonly string[] = Object.keys(scenarios);

/**
 * Builds another commit and measures this tree beside it: the rounds alternate, each gives one ratio.
 *
 * @returns the process's exit code: 1 when a figure is certainly slower than the commit's, or over its bound.
 */
export async function runAgainst({ commit: name, names, quick, pairs, log }: AgainstOptions): Promise<number> {
  await using built = await buildCommit(name, log);
  const programs = { now: undefined, before: built.dlx };
  let worse = 0;
  for (const scenario of names.length > 0 ? names : comparable) {
    log(`\n=== ${scenario}: this tree beside ${built.commit.slice(0, 9)}`);
    const found = await scenarios[scenario]?.({ programs, quick, pairs, log: (line) => log(`  ${line}`) });
    for (const comparison of found ?? []) {
      log(comparisonText(comparison));
      if (['slower', 'over'].includes(standingOf(comparison))) worse += 1;
    }
  }
  return worse > 0 ? 1 : 0;
}

async function throughput(request: RequestHead, run: Run): Promise<Comparison[]> {
  const { programs, quick, pairs, log } = run;
  await using stack = new AsyncDisposableStack();
  const app = stack.adopt(await startApp(), ({ stop }) => stop());
  const load = stack.adopt(await startClosedLoad(), ({ stop }) => stop());
  const rounds: Round<Window>[] = [];
  for (let life = 0; life < lives; life++) {
    await using both = new AsyncDisposableStack();
    const proxies = {
      now: both.adopt(await startDlxProxy(app.port, cores.proxy, programs.now), ({ stop }) => stop()),
      before: both.adopt(await startDlxProxy(app.port, cores.proxy, programs.before), ({ stop }) => stop()),
    };
    for (const side of sides) {
      const { port } = proxies[side];
      await warmUp(proxies[side], quick, () => load.run({ port, connections, seconds: 1, request }));
    }
    const measured = await measureRounds<Window>({
      sides,
      rounds: Math.ceil(pairs / lives),
      spare: Math.ceil(pairs / lives),
      tolerance,
      measure(side) {
        const proxy = proxies[side as Side];
        return measureWindow(proxy, () => load.run({ port: proxy.port, connections, seconds: 1, request }));
      },
      onRound: (round, isDisturbed) => tell(round, ({ perSecond }) => `${perSecond.toFixed(0)} rps`, isDisturbed, log),
    });
    rounds.push(...measured.kept);
  }
  failOn(rounds, ({ failed }) => failed, 'requests failed');
  return [
    comparisonOf('requests per second', 'rps', rounds, ({ perSecond }) => perSecond),
    comparisonOf('processor time of a request', 'µs', rounds, ({ cpuUs }) => cpuUs, { lessIsBetter: true }),
  ];
}

type Held = Awaited<ReturnType<typeof holdOnce>>;

async function held({ programs, quick, pairs, log }: Run): Promise<Comparison[]> {
  const count = quick ? heldAtOnce.quick : heldAtOnce.full;
  const { kept } = await measureRounds<Held>({
    sides,
    rounds: pairs,
    spare: Math.ceil(pairs / 4),
    tolerance,
    async measure(side) {
      const ticks = readTicks();
      const measured = await holdOnce({ count, program: programs[side as Side] });
      return { measured, disturbance: disturbanceBetween(ticks, readTicks()) };
    },
    onRound: (round, isDisturbed) => tell(round, ({ drainRate }) => `${drainRate.toFixed(0)} rps`, isDisturbed, log),
  });
  failOn(kept, ({ failed, notForwarded }) => failed + notForwarded, 'held requests were not answered');
  return [
    comparisonOf('drained per second', 'rps', kept, ({ drainRate }) => drainRate),
    comparisonOf('processor time of a drained one', 'µs', kept, ({ drainCpuUs }) => drainCpuUs, { lessIsBetter: true }),
    comparisonOf('memory of each held', 'KB', kept, ({ eachKB }) => eachKB, {
      lessIsBetter: true,
      // Few held requests would share what the process itself needs.
      ...(!quick && { atMost: mostHeldKB }),
    }),
  ];
}

function comparisonOf<M>(
  figure: string,
  unit: string,
  rounds: readonly Round<M>[],
  number: (measured: M) => number,
  judged: { lessIsBetter?: boolean; atMost?: number } = {},
): Comparison {
  const [now, before] = sides.map((side) => numbers(rounds, side, number)) as [number[], number[]];
  return compare({ figure, unit, now, before, ...judged });
}

function tell<M>(
  { sides: found, disturbance }: Round<M>,
  text: (measured: M) => string,
  isDisturbed: boolean,
  log: (line: string) => void,
): void {
  const texts = Object.entries(found).map(([side, measured]) => `${side} ${text(measured)}`);
  const others = `others ${(disturbance * 100).toFixed(1)} %`;
  log(`${texts.join(' · ')} · ${others}${isDisturbed ? ', disturbed' : ''}`);
}

/** A side that lost requests cannot be compared. */
function failOn<M>(rounds: readonly Round<M>[], count: (measured: M) => number, what: string): void {
  for (const { sides: found } of rounds) {
    for (const [side, measured] of Object.entries(found)) {
      if (count(measured) > 0) throw new Error(`${side}: ${count(measured)} ${what}`);
    }
  }
}
