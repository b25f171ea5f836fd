import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { putToSleep } from '../faults/sleepers.ts';
import { all, type Finding, none } from '../../../harness/finding.ts';
import { urlOf } from '../fleet/fleet.ts';
import { follow } from '../fleet/follow.ts';
import { tableLines } from '../../../harness/table.ts';
import { startTraffic, type Traffic } from '../../../harness/traffic.ts';
import { type Mode, modes as allModes, Workload } from '../fleet/workload.ts';

type Moment = 'awake' | 'parking' | 'asleep';

const namespace = 'trials';
const moments: readonly Moment[] = ['awake', 'parking', 'asleep'];
const pairs = allModes.flatMap((from) => allModes.filter((to) => to !== from).map((to) => ({ from, to })));
const metric = 'requests_per_1s';
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
  const system = await startEmbeddedSystem({
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
  const named = (of: (one: Case) => Workload): Map<string, Workload> =>
    new Map(cases.map((one) => [of(one).name, of(one)]));
  const stops = [
    follow(
      system,
      namespace,
      named((one) => one.before),
    ),
    follow(
      system,
      namespace,
      named((one) => one.after),
    ),
  ];
  try {
    for (const { before } of cases) await create(system, before);
    for (const { before } of cases) await before.until(() => before.isAtRest, limitMs);
    const outcomes: Outcome[] = [];
    for (const moment of moments) {
      const those = cases.filter((one) => one.moment === moment);
      outcomes.push(...(await Promise.all(those.map((one) => change(system, one)))));
    }
    return report(outcomes);
  } finally {
    stops.forEach((stop) => stop());
    await system.close();
  }
}

async function create(system: EmbeddedSystem, workload: Workload): Promise<void> {
  const { name, mode } = workload;
  const value = (): string => (workload.idle ? '0' : '1');
  system.api.metrics.set({ namespace, resource: 'deployments.apps', name, metric, value });
  await system.deployment(namespace, name, {
    image: 'app',
    port: 8080,
    labels: { 'scaler/enabled': 'true' },
    annotations: { 'scaler/routing': mode, 'scaler/cooldown': '1ms', 'scaler/metrics': `${metric}<=0` },
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
    // The price of `overlay`: see fleet.ts.
    preStopSeconds: 1,
  });
  await system.service(namespace, name, { port: 80, targetPort: 8080, portName: 'http' });
}

async function change(system: EmbeddedSystem, one: Case): Promise<Outcome> {
  const { moment, before, after } = one;
  const traffic = moment === 'asleep' ? undefined : send(system, before);
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
  const sent = await (traffic ?? send(system, after)).stopAfter(1_000);
  const whole = settled && (await after.until(() => after.isWhole, limitMs));
  const lost = sent.filter(({ answer }) => !answer.ok).map(({ answer }) => answer.text);
  return { ...one, tookMs, sent: sent.length, lost, withoutEndpoint, whole };
}

function send(system: EmbeddedSystem, workload: Workload): { stopAfter(ms: number): ReturnType<Traffic['stop']> } {
  const traffic = startTraffic({ url: () => urlOf(system, workload), everyMs, limitMs: 20_000, persistent: false });
  return {
    stopAfter: async (ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return traffic.stop();
    },
  };
}

function report(outcomes: readonly Outcome[]): readonly Finding[] {
  const head = ['changed', 'from', 'to', 'at rest after ms', 'requests', 'lost', 'no endpoint', 'as wanted after'];
  const mode = ({ mode: text }: { mode: Mode }): string => text;
  const rows = outcomes.map(({ moment, before, after, tookMs, sent, lost, withoutEndpoint, whole }) => [
    ...[
      moment,
      mode(before),
      mode(after),
      Math.round(tookMs),
      sent,
      lost.length,
      withoutEndpoint,
      whole ? 'yes' : String(after),
    ],
  ]);
  for (const line of tableLines([head, ...rows])) console.log(line);
  const lost = outcomes.flatMap((one) => one.lost.map((text) => `${one.after.name}: ${text}`));
  for (const text of lost.slice(0, 10)) console.log(`  ${text}`);
  return [
    none('new connections lost', lost.length),
    none(
      'moments in which a Service led to no endpoint',
      outcomes.reduce((sum, { withoutEndpoint }) => sum + withoutEndpoint, 0),
    ),
    all(
      'as the new mode wants them at the end, with nothing left over',
      outcomes.filter(({ whole }) => whole).length,
      outcomes.length,
    ),
  ];
}
