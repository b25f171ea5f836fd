import { setTimeout as sleep } from 'node:timers/promises';
import { comparisonOf, measurePairs, type Side, sides } from '../against/sides.ts';
import type { Comparison } from '../against/verdict.ts';
import { figureOf } from '../figure.ts';
import { openStage, type Stage } from '../hold/stage.ts';
import { cores } from '../machine/cores.ts';
import { disturbanceBetween, readTicks } from '../machine/disturbance.ts';
import { measureRounds, numbers, type Round, type Rounds } from '../pairs.ts';
import { end } from '../processes/child.ts';
import { type StartedApp, startApp } from '../processes/started-app.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import type { Context, Figure, Scenario } from '../scenario.ts';
import { doubtIfDisturbed, tolerance } from '../throughput/window.ts';

const handful = 5;
/** Below the ephemeral ports, on an address of its own. */
const firstPort = 10_000;
const listenHost = '127.77.0.2';
const limitMs = 1_500;
/** Until the work after the start is done. */
const restMs = { full: 30_000, quick: 5_000 };
const restRounds = { full: 3, quick: 1 };
/** In a comparison, whose pairs are many. */
const againstRestMs = 10_000;
const apps = ['autoscaler', 'dlx'] as const;

type AppName = (typeof apps)[number];

/** One start of a process, until it is ready. */
interface Start {
  readonly tookMs: number;
  readonly cpuMs: number;
}

/** Both apps of one tree, started one after the other. */
type Seen = Readonly<Record<AppName, Start & { readonly restMB: number }>>;

export const start: Scenario = {
  name: 'start',
  doc: 'Both apps with a handful of sleeping resources: from the start of the process until it is ready, and at rest.',
  async run(context) {
    await using stage = openStage();
    const run = await starter(stage);
    // The first run of a program has to read its files from the disk.
    for (const app of apps) await measureStart(app, run);
    const starts = await measureStarts(context, run);
    const rests = await measureRests(context, run);
    return apps.flatMap((app) => figuresOf(app, starts, rests[app]));
  },
  async against(run) {
    const { quick, pairs, trees } = run;
    await using stage = openStage();
    const startOne = await starter(stage);
    const measure = (side: string): Promise<Seen> =>
      measureBoth((app) => startOne(app, trees[side as Side]), quick ? 0 : againstRestMs);
    for (const side of sides) await measure(side);
    const rounds = await measurePairs<Seen>(run, {
      rounds: pairs,
      spare: Math.ceil(pairs / 4),
      async measure(side) {
        const ticks = readTicks();
        return { measured: await measure(side), disturbance: disturbanceBetween(ticks, readTicks()) };
      },
      text: (seen) => apps.map((app) => `${app} ${seen[app].tookMs.toFixed(0)} ms`).join(', '),
    });
    return apps.flatMap((app) => comparisonsOf(app, rounds));
  },
};

type Starter = (app: AppName, tree?: string) => Promise<StartedApp>;

async function starter(stage: Stage): Promise<Starter> {
  const { kubeconfig, fill } = await stage.cluster();
  await fill({ count: handful, ports: 1, firstPort });
  const own = {
    autoscaler: ['--lease-namespace=team-0', '--metrics-source=none'],
    dlx: [`--listen-host=${listenHost}`, '--listen-port=0'],
  };
  return (app, tree) =>
    startApp(app, {
      tree,
      core: cores.proxy,
      args: [
        // With a kubeconfig, the app loads a library that a pod does without.
        `--kubeconfig=${kubeconfig}`,
        `--scaler-option=portRange=${firstPort}-${firstPort + 999}`,
        `--identity=bench-${app}`,
        ...own[app],
      ],
    });
}

async function measureStart(app: AppName, run: Starter): Promise<{ measured: Start; disturbance: number }> {
  const ticks = readTicks();
  const { child, readyAfterMs } = await run(app);
  const cpuMs = cpuSeconds(child.pid as number) * 1000;
  const disturbance = disturbanceBetween(ticks, readTicks());
  await end(child, 'SIGKILL');
  return { measured: { tookMs: readyAfterMs, cpuMs }, disturbance };
}

/** The DLX first: without requests it does nothing while the autoscaler starts. */
async function measureBoth(run: (app: AppName) => Promise<StartedApp>, restMs: number): Promise<Seen> {
  await using stack = new AsyncDisposableStack();
  const startOne = async (app: AppName): Promise<Start & { pid: number }> => {
    const { child, readyAfterMs } = await run(app);
    stack.defer(async () => void (await end(child, 'SIGKILL')));
    const pid = child.pid as number;
    return { tookMs: readyAfterMs, cpuMs: cpuSeconds(pid) * 1000, pid };
  };
  const [dlx, autoscaler] = [await startOne('dlx'), await startOne('autoscaler')];
  await sleep(restMs);
  const rested = ({ pid, ...one }: Start & { pid: number }): Seen[AppName] => ({ ...one, restMB: rssBytes(pid) / 1e6 });
  return { dlx: rested(dlx), autoscaler: rested(autoscaler) };
}

function comparisonsOf(app: AppName, rounds: readonly Round<Seen>[]): Comparison[] {
  const of = (name: string, unit: string, number: (one: Seen[AppName]) => number): Comparison =>
    comparisonOf(`${app}: ${name}`, unit, rounds, (seen) => number(seen[app]), { lessIsBetter: true });
  return [
    of('start → ready', 'ms', ({ tookMs }) => tookMs),
    of('processor until ready', 'ms', ({ cpuMs }) => cpuMs),
    of('memory at rest', 'MB', ({ restMB }) => restMB),
  ];
}

async function measureStarts(context: Context, run: Starter): Promise<Rounds<Start>> {
  const { quick, rounds, log, keep } = context;
  const result = await measureRounds<Start>({
    sides: apps,
    rounds,
    spare: quick ? 1 : rounds,
    tolerance,
    measure: (side) => measureStart(side as AppName, run),
    onRound(round, isDisturbed) {
      keep({ ...round, isDisturbed });
      const took = Object.entries(round.sides).map(
        ([app, { tookMs, cpuMs }]) => `${app} ${tookMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of processor`,
      );
      log(`${took.join(' · ')} · others ${(round.disturbance * 100).toFixed(1)} %${isDisturbed ? ', disturbed' : ''}`);
    },
  });
  doubtIfDisturbed(context, result);
  return result;
}

/** Memory of each app in megabytes, some time after it was ready. */
async function measureRests({ quick, keep }: Context, run: Starter): Promise<Record<AppName, number[]>> {
  const measured: Record<AppName, number[]> = { autoscaler: [], dlx: [] };
  for (let i = 0; i < (quick ? restRounds.quick : restRounds.full); i++) {
    const running = await Promise.all(apps.map(async (app) => ({ app, child: (await run(app)).child })));
    await sleep(quick ? restMs.quick : restMs.full);
    for (const { app, child } of running) {
      measured[app].push(rssBytes(child.pid as number) / 1e6);
      await end(child, 'SIGKILL');
    }
  }
  keep({ restMB: measured });
  return measured;
}

function figuresOf(app: AppName, { kept }: Rounds<Start>, restMB: readonly number[]): Figure[] {
  const tookMs = numbers(kept, app, (one) => one.tookMs);
  const cpuMs = numbers(kept, app, (one) => one.cpuMs);
  return [
    figureOf(`${app}: start → ready`, 'ms', tookMs, { atMost: limitMs, quickAtMost: 2 * limitMs }),
    figureOf(`${app}: processor until ready`, 'ms', cpuMs),
    figureOf(`${app}: memory at rest`, 'MB', restMB),
  ];
}
