import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { each, type Finding, none, printTable, sum } from '../../../harness/report.ts';
import { createManaged, fleetNamespace as namespace, probed, putToSleep, setMetric, urlOf } from '../fleet/fleet.ts';
import { follow } from '../fleet/follow.ts';
import { startTraffic, type Traffic } from '../../../harness/requests.ts';
import { modes as allModes, Workload } from '../fleet/workload.ts';

type Moment = 'awake' | 'parking' | 'asleep';

const moments: readonly Moment[] = ['awake', 'parking', 'asleep'];
const pairs = allModes.flatMap((from) => allModes.filter((to) => to !== from).map((to) => ({ from, to })));
const windowMs = 1_000;
const limitMs = 60_000;
const everyMs = 50;

/** One workload whose mode is changed once: its state in the first mode, and in the second. */
interface Case {
  readonly moment: Moment;
  readonly before: Workload;
  readonly after: Workload;
}

interface Outcome extends Case {
  readonly tookMs: number;
  readonly sent: number;
  readonly lost: readonly string[];
  /** How often its Service was seen without an endpoint. */
  readonly withoutEndpoint: number;
  readonly whole: boolean;
}

/**
 * Changes each mode to each other one, awake, in the middle of a park and asleep, while new connections come all the
 * time.
 */
export async function modes(): Promise<readonly Finding[]> {
  await using system = await startEmbeddedSystem({
    images: { app: createEchoImage() },
    settleMs: 500,
    autoscalerArgs: ['--scale-interval=500ms', '--cooldown=1ms', '--max-parks=20'],
  });
  const cases = moments.flatMap((moment) =>
    pairs.map(({ from, to }): Case => {
      const name = `${moment}-${from}-${to}`;
      return { moment, before: new Workload(namespace, name, from), after: new Workload(namespace, name, to) };
    }),
  );
  for (const state of ['before', 'after'] as const) {
    const workloads = cases.map((one) => one[state]);
    follow(system, namespace, workloads);
  }
  for (const { before } of cases) await create(system, before);
  for (const { before } of cases) await before.until(() => before.isAtRest, limitMs);
  const outcomes: Outcome[] = [];
  for (const moment of moments) {
    const those = cases.filter((one) => one.moment === moment);
    outcomes.push(...(await Promise.all(those.map((one) => change(system, one)))));
  }
  return report(outcomes);
}

async function create(system: EmbeddedSystem, workload: Workload): Promise<void> {
  const metric = setMetric(system, workload, windowMs);
  const annotations = { 'scaler/routing': workload.mode, 'scaler/cooldown': '1ms', ...metric };
  // The price of `overlay`: see fleet.ts.
  await createManaged(system, workload, annotations, { ...probed, preStopSeconds: 1 });
}

async function change(system: EmbeddedSystem, one: Case): Promise<Outcome> {
  const { moment, before, after } = one;
  const url = (): string => urlOf(system, before);
  const send = (): Traffic => startTraffic({ url, everyMs, limitMs: 20_000, persistent: false });
  const traffic = moment === 'asleep' ? undefined : send();
  if (moment === 'asleep') await putToSleep(system, [before]);
  before.idle = moment !== 'awake';
  if (moment === 'parking') await before.until(() => before.phase === 'parking', limitMs);
  let withoutEndpoint = 0;
  const beganMs = performance.now();
  const annotations = { 'scaler/routing': after.mode };
  const body = { metadata: { annotations } };
  system.api.store.patch('apps/v1/deployments', namespace, after.name, { type: 'merge', body });
  if (moment === 'parking') before.idle = false;
  const settled = await after.until(() => {
    if (system.proxy.backends(namespace, after.name, 80).length === 0) withoutEndpoint += 1;
    return moment === 'asleep' ? after.phase === 'asleep' && after.isAtRest : after.isWhole;
  }, limitMs);
  const tookMs = performance.now() - beganMs;
  before.idle = false;
  const last = traffic ?? send();
  await sleep(1_000);
  const sent = await last.stop();
  const whole = settled && (await after.until(() => after.isWhole, limitMs));
  const lost = sent.filter(({ answer }) => !answer.ok).map(({ answer }) => answer.text);
  return { ...one, tookMs, sent: sent.length, lost, withoutEndpoint, whole };
}

function report(outcomes: readonly Outcome[]): readonly Finding[] {
  const head = ['changed', 'from', 'to', 'at rest after ms', 'requests', 'lost', 'no endpoint', 'as wanted after'];
  const rows = outcomes.map(({ moment, before, after, tookMs, sent, lost, withoutEndpoint, whole }) => [
    ...[moment, before.mode, after.mode, Math.round(tookMs), sent, lost.length, withoutEndpoint],
    whole ? 'yes' : String(after),
  ]);
  printTable([head, ...rows]);
  const lost = outcomes.flatMap((one) => one.lost.map((text) => `${one.after.name}: ${text}`));
  for (const text of lost.slice(0, 10)) console.log(`  ${text}`);
  return [
    none('new connections lost', lost.length),
    none(
      'moments in which a Service led to no endpoint',
      sum(outcomes, ({ withoutEndpoint }) => withoutEndpoint),
    ),
    each('as the new mode wants them at the end, with nothing left over', outcomes, ({ whole }) => whole),
  ];
}
