import { join } from 'node:path';
import { checkOut } from '@scaler/command';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { ask, startTraffic } from '../../../harness/requests.ts';
import { all, each, type Finding, none } from '../../../harness/report.ts';
import { rollOut } from '../fleet/apps.ts';
import { createFleet, putToSleep, urlOf } from '../fleet/fleet.ts';
import type { Workload } from '../fleet/workload.ts';

const root = join(import.meta.dirname, '../../../../../..');
/** The oldest commit from which an upgrade is promised. */
const from = process.env['UPGRADE_FROM'] ?? '02d5e27';
/** Twenty sleepers, and one workload of each mode that is awake throughout. */
const counts = { selector: 8, overlay: 8, always: 7 };
const requestEveryMs = 50;
const answerLimitMs = 60_000;
/** The strategy of the chart. */
const oneAfterTheOther = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

/**
 * Upgrades both apps from an old commit while twenty resources sleep; requests wake some in the middle of it, and all
 * at the end.
 */
export async function upgrade(): Promise<readonly Finding[]> {
  await using old = await checkOut(root, from);
  await using system = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: 100 }) },
    checkout: old.folder,
    dlxReplicas: 2,
    autoscalerReplicas: 2,
    settleMs: 300,
    dlxArgs: ['--propagate=500ms'],
    autoscalerArgs: ['--scale-interval=500ms', '--cooldown=1ms', '--max-parks=50'],
  });
  const fleet = await createFleet(system, { counts, windowMs: 1_000 });
  const awake = fleet.workloads.filter(({ name }) => name.endsWith('-1'));
  const sleepers = fleet.workloads.filter((one) => !awake.includes(one));
  let next = 0;
  // To one after the other, so that none of them is idle.
  const url = (): string => urlOf(system, awake[next++ % awake.length] as Workload);
  const traffic = startTraffic({ url, everyMs: requestEveryMs, limitMs: answerLimitMs, persistent: false });
  await putToSleep(system, sleepers);
  const epochs = new Map(sleepers.map((one) => [one.name, epochOf(system, one)]));
  system.runFrom(root);
  const woken = sleepers.filter((_, i) => i % 4 === 0);
  const duringRollout = Promise.all(woken.map((one) => ask(urlOf(system, one), { timeoutMs: answerLimitMs })));
  await rollOut(system, 'dlx', oneAfterTheOther);
  await rollOut(system, 'autoscaler', oneAfterTheOther);
  const answers = await duringRollout;
  const left = sleepers.filter((one) => !woken.includes(one));
  const untouched = left.filter((one) => one.phase === 'asleep' && epochOf(system, one) === epochs.get(one.name));
  const last = await Promise.all(left.map((one) => ask(urlOf(system, one), { timeoutMs: answerLimitMs })));
  const asked = (await traffic.stop()).map(({ answer }) => answer);
  for (const one of fleet.workloads) await one.until(() => one.isAtRest, answerLimitMs);
  return [
    all('still asleep behind the upgrade, by the same epoch', untouched.length, left.length),
    each('woken in the middle of it, and answered', answers, ({ ok }) => ok),
    each('woken by the new programs, and answered', last, ({ ok }) => ok),
    none('requests of others lost meanwhile', asked.filter(({ ok }) => !ok).length),
    each('whole at the end', fleet.workloads, (one) => one.isAtRest),
    all('others were asked at all', Number(asked.length > 20), 1),
  ];
}

function epochOf({ api }: EmbeddedSystem, { namespace, name }: Workload): string | undefined {
  return api.store.get('apps/v1/deployments', namespace, name).metadata.labels?.['scaler/epoch'];
}
