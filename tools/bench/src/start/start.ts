import { setTimeout as sleep } from 'node:timers/promises';
import { figureOf } from '../figure.ts';
import type { FakeClusterCalls } from '../hold/fake-cluster.ts';
import { openStage } from '../hold/stage.ts';
import { cores } from '../machine/cores.ts';
import { disturbanceBetween, readTicks } from '../machine/disturbance.ts';
import { measureRounds, numbers, type Rounds } from '../pairs.ts';
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
const apps = ['autoscaler', 'dlx'] as const;

type AppName = (typeof apps)[number];

/** One start of a process, until it is ready. */
interface Start {
  readonly tookMs: number;
  readonly cpuMs: number;
}

export const start: Scenario = {
  name: 'start',
  doc: 'Both apps with a handful of sleeping resources: from the start of the process until it is ready, and at rest.',
  run: async (context) => {
    await using stage = openStage();
    const { calls: cluster } = await stage.worker<FakeClusterCalls>('fake-cluster');
    const kubeconfig = await cluster.start();
    try {
      await cluster.fill({ count: handful, ports: 1, firstPort });
      const run = (app: AppName): Promise<StartedApp> => startOne(app, kubeconfig);
      // The first run of a program has to read its files from the disk.
      for (const app of apps) await measureStart(app, run);
      const starts = await measureStarts(context, run);
      const rests = await measureRests(context, run);
      return apps.flatMap((app) => figuresOf(app, starts, rests[app]));
    } finally {
      await cluster.clean();
    }
  },
};

function startOne(app: AppName, kubeconfig: string): Promise<StartedApp> {
  const own = {
    autoscaler: ['--lease-namespace=team-0', '--metrics-source=none'],
    dlx: [`--listen-host=${listenHost}`, '--listen-port=0'],
  };
  return startApp(app, {
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

async function measureStart(
  app: AppName,
  run: (app: AppName) => Promise<StartedApp>,
): Promise<{ measured: Start; disturbance: number }> {
  const ticks = readTicks();
  const { child, readyAfterMs } = await run(app);
  const cpuMs = cpuSeconds(child.pid as number) * 1000;
  const disturbance = disturbanceBetween(ticks, readTicks());
  await end(child, 'SIGKILL');
  return { measured: { tookMs: readyAfterMs, cpuMs }, disturbance };
}

async function measureStarts(context: Context, run: (app: AppName) => Promise<StartedApp>): Promise<Rounds<Start>> {
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
async function measureRests(
  { quick, keep }: Context,
  run: (app: AppName) => Promise<StartedApp>,
): Promise<Record<AppName, number[]>> {
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
