import { setTimeout as sleep } from 'node:timers/promises';
import { openFileLimit } from '../processes/child.ts';
import type { DlxOptions, DlxProcess } from '../processes/dlx.ts';
import { figureOf, none } from '../figure.ts';
import type { Context, Figure, Scenario } from '../scenario.ts';
import { exactly } from './figures.ts';
import { openStage, type Stage } from './stage.ts';
import type { FakeClusterCalls } from './fake-cluster.ts';

const wanted = 10_000;
const ports = 2;
/** Below the ephemeral ports, on an address of its own. */
const firstPort = 10_000;
const listenHost = '127.77.0.1';
/** Files that a process has open beside its listeners. */
const otherFiles = 200;
/** Until the work after the start is done. */
const restMs = 30_000;

export const sleepers: Scenario = {
  name: 'sleepers',
  doc: 'Ten thousand sleeping resources with two ports each, and no traffic.',
  run: async (context) => {
    const count = Math.min(wanted, Math.floor((openFileLimit() - otherFiles) / ports));
    if (count < wanted) {
      context.log(
        `a process may open ${openFileLimit()} files here, and not more: ${count} sleepers instead of ${wanted}`,
      );
    }
    return [
      exactly('sleepers, as many as files may be opened', count, count),
      ...(await withBenchScaler(context, count)),
      ...(await withDefaultScaler(context, count)),
    ];
  },
};

async function withBenchScaler(context: Context, count: number): Promise<readonly Figure[]> {
  await using stage = openStage();
  const rssOfNone = await measureNone(stage, {});
  const dlx = await stage.dlx({ listenHost, scalerOptions: { sleepers: count, ports, firstPort } });
  return await figuresOf(context, dlx, { count, rssOfNone, scaler: 'any scaler' });
}

async function withDefaultScaler(context: Context, count: number): Promise<readonly Figure[]> {
  await using stage = openStage();
  const { calls: cluster } = await stage.worker<FakeClusterCalls>('fake-cluster');
  const kubeconfig = await cluster.start();
  try {
    const options = {
      listenHost,
      scaler: '@scaler/deployment-scaler',
      scalerOptions: { portRange: `${firstPort}-30999` },
      flags: [`--kubeconfig=${kubeconfig}`],
    };
    const rssOfNone = await measureNone(stage, options);
    await cluster.fill({ count, ports, firstPort });
    const dlx = await stage.dlx(options);
    return await figuresOf(context, dlx, { count, rssOfNone, scaler: 'default scaler' });
  } finally {
    await cluster.clean();
  }
}

async function measureNone(stage: Stage, options: DlxOptions): Promise<number> {
  const dlx = await stage.dlx(options);
  await sleep(restMs);
  const rss = dlx.rssBytes();
  await dlx.stop();
  return rss;
}

async function figuresOf(
  { quick, log, keep }: Context,
  dlx: DlxProcess,
  { count, rssOfNone, scaler }: { count: number; rssOfNone: number; scaler: string },
): Promise<readonly Figure[]> {
  await sleep(restMs);
  const cpuBefore = dlx.cpuSeconds();
  const forMs = quick ? 5_000 : 30_000;
  await sleep(forMs);
  const cpuPercent = ((dlx.cpuSeconds() - cpuBefore) / forMs) * 100_000;
  const aboveMB = (dlx.rssBytes() - rssOfNone) / 1e6;
  // Afterwards, because the first requests have code compiled; without sleepers there is no port to ask.
  const closed = await portsThatDoNotAnswer(count * ports);
  keep({ scaler, count, readyMs: dlx.readyAfterMs, aboveMB, noneMB: rssOfNone / 1e6, cpuPercent });
  log(
    `${scaler}: ready after ${dlx.readyAfterMs.toFixed(0)} ms, ${aboveMB.toFixed(1)} MB more, ${cpuPercent.toFixed(2)} % of a processor`,
  );
  return [
    none(`${scaler}: ports that do not answer once ready`, closed),
    figureOf(`${scaler}: start → ready`, 'ms', [dlx.readyAfterMs], { atMost: 5_000, quickAtMost: 10_000 }),
    // Fewer sleepers have fewer megabytes.
    figureOf(`${scaler}: memory above none, for 10,000`, 'MB', [(aboveMB / count) * wanted], { atMost: 60 }),
    figureOf(`${scaler}: processor, without traffic`, '%', [cpuPercent], { atMost: 0.5 }),
  ];
}

/** Asks every hundredth port, and the last, with health checks, which do not wake. */
async function portsThatDoNotAnswer(count: number): Promise<number> {
  let failed = 0;
  for (let i = 0; i < count; i += i + 100 < count || i === count - 1 ? 100 : count - 1 - i) {
    const answer = fetch(`http://${listenHost}:${firstPort + i}/`, {
      headers: { 'user-agent': 'kube-probe/1.34', connection: 'close' },
    });
    if (
      !(await answer.then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      failed += 1;
  }
  return failed;
}
