import { connectKube, kinds } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
import { apply, readyPod, remove, until } from '../site/api.ts';
import { type CycleContext, type CycleReport, runCycle } from './cycle.ts';
import { brokenPromises } from './promises.ts';
import { printReport } from './report.ts';
import { rolloutUndo } from './rollout-undo.ts';
import { install, systemNamespace, uninstall } from './system.ts';
import { createTraffic } from '../site/flows.ts';
import { appNamespace, createWorkload, modes, setMetric, type Workload } from './workload.ts';

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const image = process.env['E2E_IMAGE'] ?? '';
const cycles = number('CYCLES', 10);
const perMode = number('WORKLOADS', 2);
const totalRps = 50;

/** The main job; the exit code. */
export async function runCore(): Promise<number> {
  const logger = createLogger({ name: 'e2e', level: 'warn', format: 'text' });
  const client = await connectKube({ userAgent: 'scaler-e2e', logger });
  try {
    const broken = await brokenPromises(client);
    await apply(client, kinds.namespace, { metadata: { name: appNamespace } });
    await install(client, { image, settleMs: number('SETTLE_MS', 2000), dlxReplicas: 2 });
    const helpers = {
      load: await readyPod(client, systemNamespace, 'load'),
      metrics: await readyPod(client, systemNamespace, 'metrics'),
    };
    const context: CycleContext = { client, helpers, traffic: createTraffic(client, helpers) };
    return broken.length + (await mainJob(context)) > 0 ? 1 : 0;
  } finally {
    if (!process.env['KEEP']) {
      await remove(client, kinds.namespace, appNamespace);
      await uninstall(client);
    }
    client.close();
  }
}

/** All workloads in parallel, each through its cycles, under load all the while. */
async function mainJob(context: CycleContext): Promise<number> {
  const { client, traffic } = context;
  const workloads: Workload[] = [];
  for (const mode of modes) {
    for (let i = 1; i <= perMode; i++)
      workloads.push(await createWorkload(client, { name: `${mode}-${i}`, mode, image }));
  }
  const busy = await createWorkload(client, { name: 'busy', mode: 'selector', image });
  await setMetric(client, context.helpers, busy.name, '50');
  for (const { name, url } of [...workloads, busy]) {
    await until(`${name} to be reached from the client's node`, 20_000, async () =>
      (await traffic.post(url, 10)).status === 200 ? true : undefined,
    );
  }
  await traffic.start('new busy', { url: busy.url, rps: totalRps, keepAlive: false });
  const rps = totalRps / workloads.length;
  for (const { name, url } of workloads) {
    await setMetric(client, context.helpers, name, '5');
    await traffic.start(`new ${name}`, { url, rps, keepAlive: false });
    await traffic.start(`kept ${name}`, { url, rps: 5, keepAlive: true });
  }
  const began = systemClock.monotonic();
  const reports = (await Promise.all(workloads.map((workload) => cyclesOf(context, workload)))).flat();
  const undo = await rolloutUndo(context, workloads.find(({ mode }) => mode === 'selector') ?? busy);
  const minutes = (systemClock.monotonic() - began) / 60_000;
  return printReport({ cycles: reports, undo, flows: await traffic.reports(), minutes });
}

async function cyclesOf(context: CycleContext, workload: Workload): Promise<CycleReport[]> {
  const reports: CycleReport[] = [];
  for (let i = 0; i < Math.ceil(cycles / perMode); i++) {
    const report = await runCycle(context, workload);
    reports.push(report);
    const ms = [report.parkMs, report.wakeMs, report.restoreMs].map(Math.round).join(' / ');
    console.log(
      `${workload.name} ${i + 1}: park / wake / restore ${ms} ms${report.problems.map((p) => `  !! ${p}`).join('')}`,
    );
  }
  return reports;
}
