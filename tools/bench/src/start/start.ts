import { setTimeout as sleep } from 'node:timers/promises';
import { figureOf } from '../figure.ts';
import type { FakeClusterCalls } from '../hold/fake-cluster.ts';
import { openStage } from '../hold/stage.ts';
import { cores } from '../machine/cores.ts';
import { end } from '../processes/child.ts';
import { startApp } from '../processes/started-app.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import type { Context, Figure, Scenario } from '../scenario.ts';

const handful = 5;
/** Below the ephemeral ports, on an address that nobody else uses. */
const firstPort = 10_000;
const listenHost = '127.77.0.2';
const limitMs = 1_500;
/** Until what the start left behind is done. */
const restMs = { full: 30_000, quick: 5_000 };
const apps = ['autoscaler', 'dlx'] as const;

interface Round {
  readonly app: (typeof apps)[number];
  readonly readyMs: number;
  /** Processor time until then. */
  readonly cpuMs: number;
  readonly restMB: number;
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
      const rounds: Round[] = [];
      for (let i = 0; i < context.rounds; i++) {
        for (const app of apps) rounds.push(await measure(context, app, kubeconfig));
      }
      return apps.flatMap((app) => figuresOf(rounds.filter((round) => round.app === app)));
    } finally {
      await cluster.clean();
    }
  },
};

async function measure({ quick, log, keep }: Context, app: Round['app'], kubeconfig: string): Promise<Round> {
  const flags = {
    autoscaler: ['--lease-namespace=team-0', '--metrics-source=none'],
    dlx: [`--listen-host=${listenHost}`, '--listen-port=0'],
  };
  const { child, readyAfterMs } = await startApp(app, {
    core: cores.proxy,
    args: [
      `--kubeconfig=${kubeconfig}`,
      '--scaler=@scaler/deployment-scaler',
      `--scaler-option=portRange=${firstPort}-${firstPort + 999}`,
      `--identity=bench-${app}`,
      ...flags[app],
    ],
  });
  try {
    const pid = child.pid as number;
    const cpuMs = cpuSeconds(pid) * 1000;
    await sleep(quick ? restMs.quick : restMs.full);
    const round = { app, readyMs: readyAfterMs, cpuMs, restMB: rssBytes(pid) / 1e6 };
    keep(round);
    log(
      `${app}: ready after ${readyAfterMs.toFixed(0)} ms (${cpuMs.toFixed(0)} ms of processor), ${round.restMB.toFixed(1)} MB`,
    );
    return round;
  } finally {
    await end(child, 'SIGKILL');
  }
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const app = rounds[0]?.app;
  const all = (key: 'readyMs' | 'cpuMs' | 'restMB'): number[] => rounds.map((round) => round[key]);
  return [
    figureOf(`${app}: start → ready`, 'ms', all('readyMs'), { atMost: limitMs, quickAtMost: 2 * limitMs }),
    figureOf(`${app}: processor until ready`, 'ms', all('cpuMs')),
    figureOf(`${app}: memory at rest`, 'MB', all('restMB')),
  ];
}
