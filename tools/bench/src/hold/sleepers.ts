import { setTimeout as sleep } from 'node:timers/promises';
import { comparisonOf, failOn, type Side, sides } from '../against/sides.ts';
import { runRounds } from '../pairs.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import { openFileLimit } from '../processes/child.ts';
import type { DlxOptions } from '../processes/dlx.ts';
import { exactly, figureOf, none } from '../figure.ts';
import type { Context, Figure, Scenario } from '../scenario.ts';
import { openStage, type Stage } from './stage.ts';

const wanted = 10_000;
const ports = 2;
/** Below the ephemeral ports, on an address of its own. */
const firstPort = 10_000;
const listenHost = '127.77.0.1';
/** Files that a process has open beside its listeners. */
const otherFiles = 200;
/** Until the work after the start is done. */
const restMs = 30_000;
/** In a comparison, whose pairs are many. */
const againstTimes = { restMs: 15_000, windowMs: 15_000 };

/** A scaler, with a cluster of sleepers or with an empty one. */
interface Kind {
  readonly name: string;
  readonly sleeping: DlxOptions;
  readonly none: DlxOptions;
}

/** The measurements of one DLX with sleepers. */
type Seen = Awaited<ReturnType<typeof measure>>;

export const sleepers: Scenario = {
  name: 'sleepers',
  doc: 'Ten thousand sleeping resources with two ports each, and no traffic.',
  async run(context) {
    const count = countOf(context);
    await using stage = openStage();
    const kinds = [benchScaler(count), await defaultScaler(stage, count)];
    const figures = [exactly('sleepers, as many as files may be opened', count, count)];
    for (const kind of kinds) figures.push(...(await figuresOf(context, kind, count)));
    return figures;
  },
  async against(run) {
    const count = countOf(run);
    await using stage = openStage();
    const kind = await defaultScaler(stage, count);
    const times = run.quick ? { restMs: 1_000, windowMs: 1_000 } : againstTimes;
    const { kept: rounds } = await runRounds<Seen>(run, {
      ...{ sides, rounds: run.pairs, spare: Math.ceil(run.pairs / 4) },
      measure: (side) => measure(kind, { ...times, count, tree: run.trees[side as Side] }),
      text: ({ readyMs, aboveMB }) => `${readyMs.toFixed(0)} ms, ${aboveMB.toFixed(1)} MB`,
    });
    failOn(rounds, ({ closed }) => closed, 'ports do not answer once ready');
    const less = { lessIsBetter: true };
    return [
      comparisonOf('start → ready', 'ms', rounds, ({ readyMs }) => readyMs, less),
      comparisonOf(`memory above none, for ${count}`, 'MB', rounds, ({ aboveMB }) => aboveMB, less),
      comparisonOf('processor, without traffic', '%', rounds, ({ cpuPercent }) => cpuPercent, less),
    ];
  },
};

function countOf({ log }: Pick<Context, 'log'>): number {
  const count = Math.min(wanted, Math.floor((openFileLimit() - otherFiles) / ports));
  if (count < wanted) {
    log(`a process may open ${openFileLimit()} files here, and not more: ${count} sleepers instead of ${wanted}`);
  }
  return count;
}

function benchScaler(count: number): Kind {
  const options = { listenHost, scalerOptions: { sleepers: count, ports, firstPort } };
  return { name: 'any scaler', sleeping: options, none: { listenHost } };
}

async function defaultScaler(stage: Stage, count: number): Promise<Kind> {
  const optionsFor = (kubeconfig: string): DlxOptions => ({
    listenHost,
    scaler: '@scaler/deployment-scaler',
    scalerOptions: { portRange: `${firstPort}-30999` },
    flags: [`--kubeconfig=${kubeconfig}`],
  });
  const [full, empty] = [await stage.cluster(), await stage.cluster()];
  await full.fill({ count, ports, firstPort });
  return {
    name: 'default scaler',
    sleeping: optionsFor(full.kubeconfig),
    none: optionsFor(empty.kubeconfig),
  };
}

async function measure(
  { sleeping, none }: Kind,
  { restMs, windowMs, count, tree }: { restMs: number; windowMs: number; count: number; tree?: string },
) {
  await using stage = openStage();
  const dlx = await stage.dlx({ ...sleeping, tree });
  const dlxOfNone = await stage.dlx({ ...none, tree });
  await sleep(restMs);
  const cpuBefore = cpuSeconds(dlx.pid);
  await sleep(windowMs);
  const cpuPercent = ((cpuSeconds(dlx.pid) - cpuBefore) / windowMs) * 100_000;
  const noneMB = rssBytes(dlxOfNone.pid) / 1e6;
  const aboveMB = rssBytes(dlx.pid) / 1e6 - noneMB;
  // Afterwards, because the first requests have code compiled; without sleepers there is no port to ask.
  const closed = await portsThatDoNotAnswer(count * ports);
  return { readyMs: dlx.readyAfterMs, aboveMB, noneMB, cpuPercent, closed };
}

async function figuresOf({ quick, log, keep }: Context, kind: Kind, count: number): Promise<readonly Figure[]> {
  const scaler = kind.name;
  const seen = await measure(kind, { restMs, windowMs: quick ? 5_000 : 30_000, count });
  const { readyMs, aboveMB, cpuPercent, closed } = seen;
  keep({ scaler, count, ...seen });
  log(
    `${scaler}: ready after ${readyMs.toFixed(0)} ms, ${aboveMB.toFixed(1)} MB more, ${cpuPercent.toFixed(2)} % of a processor`,
  );
  return [
    none(`${scaler}: ports that do not answer once ready`, closed),
    figureOf(`${scaler}: start → ready`, 'ms', [readyMs], { atMost: 5_000, quickAtMost: 10_000 }),
    // Fewer sleepers have fewer megabytes.
    figureOf(`${scaler}: memory above none, for 10,000`, 'MB', [(aboveMB / count) * wanted], { atMost: 60 }),
    figureOf(`${scaler}: processor, without traffic`, '%', [cpuPercent], { atMost: 0.5 }),
  ];
}

/** Asks every hundredth port, and the last, with health checks, which do not wake. */
async function portsThatDoNotAnswer(count: number): Promise<number> {
  let failed = 0;
  for (let i = 0; i < count; i = i < count - 1 ? Math.min(i + 100, count - 1) : count) {
    const answer = fetch(`http://${listenHost}:${firstPort + i}/`, {
      headers: { 'user-agent': 'kube-probe/1.34', connection: 'close' },
    });
    const isAnswered = await answer.then(
      ({ ok }) => ok,
      () => false,
    );
    if (!isAnswered) failed += 1;
  }
  return failed;
}
