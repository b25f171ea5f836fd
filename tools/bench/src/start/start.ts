import { setTimeout as sleep } from 'node:timers/promises';
import { comparisonOf, type Side, sides } from '../against/sides.ts';
import type { Comparison } from '../against/verdict.ts';
import { figureOf } from '../figure.ts';
import { openStage, type Stage } from '../hold/stage.ts';
import { numbers, type Round, type Rounds, runRounds } from '../pairs.ts';
import { kill } from '../processes/child.ts';
import { startApp } from '../processes/started-app.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import type { Context, Figure, Scenario } from '../scenario.ts';

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
    const { quick, rounds } = context;
    const starts = await runRounds<Start>(context, {
      ...{ sides: apps, rounds, spare: quick ? 1 : rounds },
      measure: (app) => measureStart(app as AppName, run),
      text: ({ tookMs, cpuMs }) => `${tookMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of processor`,
    });
    const rests = await measureRests(context, run);
    return apps.flatMap((app) => figuresOf(app, starts, rests[app]));
  },
  async against(run) {
    const { quick, pairs, trees } = run;
    await using stage = openStage();
    const startOne = await starter(stage);
    const measure = (side: string): Promise<Seen> =>
      measureBoth(startOne, quick ? 0 : againstRestMs, trees[side as Side]);
    for (const side of sides) await measure(side);
    const { kept } = await runRounds<Seen>(run, {
      ...{ sides, rounds: pairs, spare: Math.ceil(pairs / 4), measure },
      text: (seen) => apps.map((app) => `${app} ${seen[app].tookMs.toFixed(0)} ms`).join(', '),
    });
    return apps.flatMap((app) => comparisonsOf(app, kept));
  },
};

/** An app that is ready; disposing ends it. */
interface Running extends Start, AsyncDisposable {
  readonly pid: number;
}

type Starter = (app: AppName, tree?: string) => Promise<Running>;

async function starter(stage: Stage): Promise<Starter> {
  const { kubeconfig, fill } = await stage.cluster();
  await fill({ count: handful, ports: 1, firstPort });
  const own = {
    autoscaler: ['--lease-namespace=team-0', '--metrics-source=none'],
    dlx: [`--listen-host=${listenHost}`, '--listen-port=0'],
  };
  return async (app, tree) => {
    const args = [
      // With a kubeconfig, the app loads a library that a pod does without.
      `--kubeconfig=${kubeconfig}`,
      `--scaler-option=portRange=${firstPort}-${firstPort + 999}`,
      `--identity=bench-${app}`,
      ...own[app],
    ];
    const { child, readyAfterMs } = await startApp(app, { tree, args });
    const pid = child.pid as number;
    return { tookMs: readyAfterMs, cpuMs: cpuSeconds(pid) * 1000, pid, [Symbol.asyncDispose]: () => kill(child) };
  };
}

async function measureStart(app: AppName, run: Starter): Promise<Start> {
  await using one = await run(app);
  return { tookMs: one.tookMs, cpuMs: one.cpuMs };
}

/** The DLX first: without requests it does nothing while the autoscaler starts. */
async function measureBoth(run: Starter, restMs: number, tree?: string): Promise<Seen> {
  await using dlx = await run('dlx', tree);
  await using autoscaler = await run('autoscaler', tree);
  await sleep(restMs);
  const rested = ({ tookMs, cpuMs, pid }: Running): Seen[AppName] => ({ tookMs, cpuMs, restMB: rssBytes(pid) / 1e6 });
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

/** Memory of each app in megabytes, some time after it was ready. */
async function measureRests({ quick, keep }: Context, run: Starter): Promise<Record<AppName, number[]>> {
  const measured: Record<AppName, number[]> = { autoscaler: [], dlx: [] };
  for (let i = 0; i < (quick ? restRounds.quick : restRounds.full); i++) {
    await using stack = new AsyncDisposableStack();
    const running = await Promise.all(apps.map(async (app) => ({ app, one: stack.use(await run(app)) })));
    await sleep(quick ? restMs.quick : restMs.full);
    for (const { app, one } of running) measured[app].push(rssBytes(one.pid) / 1e6);
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
