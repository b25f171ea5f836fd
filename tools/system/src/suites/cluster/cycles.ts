import { type CycleContext, type CycleReport, runCycle } from './main-job/cycle.ts';
import { spread } from '../../harness/percentiles.ts';
import { all, type Finding, none } from '../../harness/finding.ts';
import type { FlowReport } from './site/flows.ts';
import { appNamespace, createWorkload, type Mode, setMetric } from './main-job/workload.ts';
import { until } from './site/api.ts';
import type { Ground, Scenario } from './scenario.ts';

const workloads = 20;
const cycles = Number(process.env['CYCLES'] ?? 200);
const newRps = 50;
const settle = '3s';

/** All of them in one mode, in parallel. */
function cyclesOf(mode: Mode): Scenario {
  return {
    name: `cycles-${mode}`,
    doc: `${cycles} park/wake cycles in ${mode} over ${workloads} workloads at ${newRps} new connections per second, kube-proxy frozen at random`,
    limitMs: 900_000,
    async run(ground) {
      await ground.product({ scaler: { options: { settle } }, autoscaler: { settings: { maxParks: 20 } } });
      if (!ground.kit) ground.leaveOut('kube-proxy is not frozen meanwhile, for nothing here can');
      const { traffic, helpers } = await ground.client();
      await ground.namespace(appNamespace);
      const context: CycleContext = { client: ground.kube, traffic, helpers };
      const names = Array.from({ length: workloads }, (_, i) => `${mode}-${i + 1}`);
      await startAll(ground, context, names, mode);
      const stop = new AbortController();
      const frozen = freezeAtRandom(ground, stop.signal);
      const each = Math.ceil(cycles / workloads);
      const reports = (await Promise.all(names.map((name) => ofOne(ground, context, name, mode, each)))).flat();
      stop.abort();
      ground.log(`kube-proxy was frozen ${await frozen} times`);
      const flows = await traffic.reports();
      return verdict(ground, mode, names, reports, flows);
    },
  };
}

export const cyclesInSelector = cyclesOf('selector');
export const cyclesInOverlay = cyclesOf('overlay');
export const cyclesInAlways = cyclesOf('always');
const urlOf = (name: string): string => `http://${name}.${appNamespace}/`;

async function startAll(ground: Ground, context: CycleContext, names: string[], mode: Mode): Promise<void> {
  const { client, traffic, helpers } = context;
  for (const name of names) await setMetric(client, helpers, name, '5');
  await Promise.all(names.map((name) => createWorkload(client, { name, mode, image: ground.images.app })));
  for (const name of names) {
    await until(`${name} to be reached`, 20_000, async () =>
      (await traffic.post(urlOf(name), 10)).status === 200 ? true : undefined,
    );
    await traffic.start(`new ${name}`, { url: urlOf(name), rps: newRps / names.length, keepAlive: false });
    await traffic.start(`kept ${name}`, { url: urlOf(name), rps: 1, keepAlive: true });
    ground.later(() => traffic.stop(`new ${name}`));
    ground.later(() => traffic.stop(`kept ${name}`));
  }
}

async function ofOne(
  ground: Ground,
  context: CycleContext,
  name: string,
  mode: Mode,
  times: number,
): Promise<CycleReport[]> {
  const reports: CycleReport[] = [];
  for (let i = 0; i < times; i++) {
    ground.signal.throwIfAborted();
    const report = await runCycle(context, { name, mode, url: urlOf(name) });
    for (const problem of report.problems) ground.log(`${name}: ${problem}`);
    reports.push(report);
  }
  return reports;
}

/** Frozen for a second, again and again; resolves with how often. */
async function freezeAtRandom({ kit }: Ground, signal: AbortSignal): Promise<number> {
  let times = 0;
  while (kit && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 1_000 + Math.random() * 7_000));
    if (signal.aborted) break;
    await kit.freeze('kube-proxy', 1);
    times += 1;
  }
  return times;
}

function verdict(
  ground: Ground,
  mode: Mode,
  names: string[],
  reports: CycleReport[],
  flows: Record<string, FlowReport>,
): Finding[] {
  const select = (kind: string): FlowReport[] => names.flatMap((name) => flows[`${kind} ${name}`] ?? []);
  const sum = (kind: string, field: 'sent' | 'failed'): number =>
    select(kind).reduce((total, flow) => total + flow[field], 0);
  for (const [id, { errors }] of Object.entries(flows))
    for (const { at, text } of errors.slice(0, 2)) ground.log(`${id}: ${at} ${text}`);
  const ms = (pick: (report: CycleReport) => number): string => `${spread(reports.map(pick))} ms p50 / p99`;
  const shown = (what: string, got: string): Finding => ({ what, wanted: 'shown', got, good: true });
  const kept = `${sum('kept', 'failed')} of ${sum('kept', 'sent')}`;
  const lost = sum('new', 'failed') + (mode === 'always' ? sum('kept', 'failed') : 0);
  ground.count(sum('new', 'sent') + sum('kept', 'sent') + reports.length, sum('new', 'failed') + sum('kept', 'failed'));
  return [
    all('cycles', reports.length, cycles),
    none(
      'problems in them',
      reports.reduce((total, { problems }) => total + problems.length, 0),
    ),
    none(
      `lost of ${sum('new', 'sent')} on new connections${mode === 'always' ? ' and of kept-alive clients' : ''}`,
      lost,
    ),
    shown('lost of kept-alive clients', kept),
    shown(
      'last request to zero replicas',
      ms(({ parkMs }) => parkMs),
    ),
    shown(
      'first request to its answer',
      ms(({ wakeMs }) => wakeMs),
    ),
    shown(
      'first request to traffic handed back',
      ms(({ restoreMs }) => restoreMs),
    ),
  ];
}
