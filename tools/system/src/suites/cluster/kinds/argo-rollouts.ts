import { kinds, watchStore } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
import { spread } from '../../../harness/numbers.ts';
import { all, atMost, type Finding, none } from '../../../harness/finding.ts';
import type { Ground, Scenario } from '../scenario.ts';
import type { Client } from '../site/client.ts';
import { type Described, untilPhase, urlOf } from '../site/workloads.ts';
import { dryRun, hopeless, keptBusy, told, uninstalled } from './own-deeds.ts';
import { flowsOf, type RolloutCycle, rolloutCycles } from './rollout-cycle.ts';
import { rolloutKind, rolloutObjects, rolloutOf, rollouts, untilHealthy } from './rollout-objects.ts';

const cyclesEach = Number(process.env['CYCLES'] ?? 30) / 2;

export const argoRollouts: Scenario = {
  name: 'argo-rollouts',
  doc: 'Argo Rollouts, a canary and a blue-green one, are parked and woken 30 times with new revisions in between',
  addon: 'rollouts',
  limitMs: 480_000,
  async run(ground) {
    await ground.kit?.addon?.('rollouts');
    ground.later(() => ground.kubectl(['delete', 'namespace', 'argo-rollouts', '--wait=false']));
    await ground.product({
      scaler: { options: { kinds: rollouts } },
      autoscaler: { settings: { maxParks: 5 } },
      dlx: { settings: { problemDetails: 'full' } },
      uninstall: { grace: '60s' },
    });
    const client = await ground.client();
    const namespace = await ground.namespace();
    const canary = rolloutOf(namespace, 'canary');
    const blueGreen = rolloutOf(namespace, 'blue-green');
    await ground.apply([
      ...rolloutObjects(ground, canary, 'canary'),
      ...rolloutObjects(ground, blueGreen, 'blueGreen'),
    ]);
    const both = [canary, blueGreen];
    for (const one of both) await start(ground, client, one);
    const writes = countWrites(ground, namespace);
    const cycles = await Promise.all(both.map((one) => rolloutCycles(ground, client, one, cyclesEach)));
    const findings = await findingsOf(ground, client, both, cycles.flat());
    findings.push(...writes(2 * cyclesEach));
    for (const id of both.flatMap(flowsOf)) await client.traffic.stop(id);
    return [...findings, ...(await ownDeeds(ground, client, both))];
  },
};

/** Waits until it serves, and asks it from then on. */
async function start(ground: Ground, client: Client, one: Described): Promise<void> {
  const { namespace, name } = one;
  await client.setMetric(namespace, name, '5');
  await untilHealthy(ground, one);
  await untilPhase(ground, [one], 'awake');
  const [fresh, kept] = flowsOf(one);
  await client.traffic.start(fresh, { url: urlOf(one), rps: 5, keepAlive: false });
  await client.traffic.start(kept, { url: urlOf(one), rps: 2, keepAlive: true });
  for (const id of [fresh, kept]) ground.later(() => client.traffic.stop(id));
}

/** Counts who writes what in the namespace from now on; the result ends it, and says how often in so many cycles. */
function countWrites({ kube, later }: Ground, namespace: string): (cycles: number) => Finding[] {
  const stop = new AbortController();
  const logger = createLogger({ name: 'e2e', level: 'warn', format: 'text' });
  const watched = { client: kube, namespaces: [namespace], clock: systemClock, logger };
  const counted = { services: 0, epochs: 0 };
  const services = watchStore({ ...watched, kind: kinds.service, trim: ({ metadata }) => keep(metadata, '') });
  services.subscribe(({ type }) => {
    if (type === 'updated') counted.services += 1;
  });
  const trim = ({ metadata }: { metadata?: Meta }) => keep(metadata, metadata?.labels?.['scaler/epoch'] ?? '');
  const workloads = watchStore({ ...watched, kind: rolloutKind, trim });
  workloads.subscribe((event) => {
    if (event.type === 'updated' && event.previous.epoch !== event.object.epoch) counted.epochs += 1;
  });
  for (const store of [services, workloads]) void store.run(stop.signal).catch(() => undefined);
  later(() => Promise.resolve(stop.abort()));
  return (cycles) => {
    stop.abort();
    // The controller turns two Services to a new revision, and four transitions are a park and a wake.
    return [
      atMost('writes of Services per cycle', counted.services / cycles, 4, ''),
      atMost('transitions per cycle', counted.epochs / cycles, 5, ''),
    ];
  };
}

interface Meta {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function keep(metadata: Meta | undefined, epoch: string) {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = metadata ?? {};
  return { namespace, name, uid, resourceVersion, epoch };
}

async function findingsOf(
  ground: Ground,
  client: Client,
  both: readonly Described[],
  cycles: readonly RolloutCycle[],
): Promise<Finding[]> {
  const flows = await client.traffic.reports();
  const sum = (which: 0 | 1, field: 'sent' | 'failed'): number =>
    both.reduce((total, one) => total + (flows[flowsOf(one)[which]]?.[field] ?? 0), 0);
  for (const id of both.flatMap(flowsOf))
    for (const { at, text } of flows[id]?.errors.slice(0, 3) ?? []) ground.log(`${id}: ${at} ${text}`);
  ground.count(sum(0, 'sent') + sum(1, 'sent'), sum(0, 'failed') + sum(1, 'failed'));
  const shown = (what: string, got: string): Finding => ({ what, wanted: 'shown', got, good: true });
  const ms = (what: string, pick: (cycle: RolloutCycle) => number): Finding =>
    shown(what, `${spread(cycles.map(pick))} ms p50 / p99`);
  return [
    all('cycles', cycles.length, 2 * cyclesEach),
    none(
      'problems in them',
      cycles.reduce((total, { problems }) => total + problems.length, 0),
    ),
    none(`lost of ${sum(0, 'sent')} on new connections`, sum(0, 'failed')),
    shown('lost of kept-alive clients', `${sum(1, 'failed')} of ${sum(1, 'sent')}`),
    ms('last request to zero replicas', ({ parkMs }) => parkMs),
    ms('first request to its answer', ({ wakeMs }) => wakeMs),
    ms('first request to traffic handed back', ({ restoreMs }) => restoreMs),
  ];
}

/** What every workload has, once each; at the end the product is taken away. */
async function ownDeeds(ground: Ground, client: Client, both: readonly Described[]): Promise<Finding[]> {
  const [canary, blueGreen] = both as readonly [Described, Described];
  const { namespace } = canary;
  const dry = rolloutOf(namespace, 'dry', { annotations: { 'scaler/dry-run': 'true' } });
  const broken = rolloutOf(namespace, 'broken', { annotations: { 'scaler/hold-timeout': '60s' } });
  await ground.apply([...rolloutObjects(ground, dry, 'canary'), ...rolloutObjects(ground, broken, 'blueGreen')]);
  const [event, ...findings] = await Promise.all([
    told({ ground, client, one: canary }, 'Rollout'),
    keptBusy({ ground, client, one: canary }),
    dryRun({ ground, client, one: dry }),
    hopeless({ ground, client, one: broken }, async () => {
      const op = { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'localhost/none:1' } as const;
      await ground.kube.patch(rolloutKind, { namespace, name: broken.name }, [op]);
      await untilHealthy(ground, broken);
    }),
  ]);
  // Its pods never come up: it would take the whole grace.
  await ground.kubectl(['-n', namespace, 'delete', 'rollout', broken.name]);
  return [event, ...findings, await uninstalled({ ground, client, one: canary }, [canary, blueGreen])];
}
