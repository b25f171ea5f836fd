import { kinds, watchStore } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { systemClock } from '@scaler/scaler-types';
import { all, atMost, type Finding, none } from '../../../harness/report.ts';
import type { Ground, Scenario } from '../scenario.ts';
import { shownOf, startFlows, stopFlows, totalsOf } from '../site/flows.ts';
import { untilPhase } from '../site/seen.ts';
import type { Described } from '../site/workloads.ts';
import { dryRun, hasEvents, hopeless, keptBusy, uninstalled } from './own-deeds.ts';
import {
  type RolloutCycle,
  rolloutCycles,
  rolloutKind,
  rolloutObjects,
  rolloutOf,
  rollouts,
  untilHealthy,
} from './rollouts.ts';

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
    for (const one of both) {
      await client.setMetric(namespace, one.name, '5');
      await untilHealthy(ground, one);
      await untilPhase(ground, [one], 'awake');
      await startFlows(ground, one, { fresh: 5, kept: 2 });
    }
    const writes = countWrites(ground, namespace);
    const cycles = await Promise.all(both.map((one) => rolloutCycles(ground, client, one, cyclesEach)));
    const findings = await findingsOf(ground, both, cycles.flat());
    findings.push(...writes(2 * cyclesEach));
    for (const one of both) await stopFlows(ground, one);
    return [...findings, ...(await ownDeeds(ground, both))];
  },
};

/** Counts writes in the namespace from now on; the result ends it, and says how often in so many cycles. */
function countWrites({ kube, later }: Ground, namespace: string): (cycles: number) => Finding[] {
  const stop = new AbortController();
  const logger = createLogger({ name: 'e2e', level: 'warn', format: 'text' });
  const watched = { client: kube, namespaces: [namespace], clock: systemClock, logger };
  const counted = { services: 0, epochs: 0 };
  const services = watchStore({ ...watched, kind: kinds.service, trim: ({ metadata }) => metadata?.name ?? '' });
  services.subscribe(({ type }) => {
    if (type === 'updated') counted.services += 1;
  });
  const workloads = watchStore({
    ...{ ...watched, kind: rolloutKind },
    trim: ({ metadata }) => metadata?.labels?.['scaler/epoch'] ?? '',
  });
  workloads.subscribe((event) => {
    if (event.type === 'updated' && event.previous !== event.object) counted.epochs += 1;
  });
  for (const store of [services, workloads]) void store.run(stop.signal).catch(() => undefined);
  later(async () => stop.abort());
  return (cycles) => {
    stop.abort();
    // The controller turns two Services to a new revision, and four transitions are a park and a wake.
    return [
      atMost('writes of Services per cycle', counted.services / cycles, 4, ''),
      atMost('transitions per cycle', counted.epochs / cycles, 5, ''),
    ];
  };
}

async function findingsOf(
  ground: Ground,
  both: readonly Described[],
  cycles: readonly RolloutCycle[],
): Promise<Finding[]> {
  const totals = await totalsOf(ground, both, 3);
  return [
    all('cycles', cycles.length, 2 * cyclesEach),
    none('problems in them', cycles.flatMap(({ problems }) => problems).length),
    none(`lost of ${totals.sent} on new connections`, totals.lost),
    ...shownOf('', totals, cycles),
  ];
}

/** The features that every workload has, once each; at the end the product is taken away. */
async function ownDeeds(ground: Ground, both: readonly Described[]): Promise<Finding[]> {
  const [canary] = both as readonly [Described];
  const { namespace } = canary;
  const dry = rolloutOf(namespace, 'dry', { annotations: { 'scaler/dry-run': 'true' } });
  const broken = rolloutOf(namespace, 'broken', { annotations: { 'scaler/hold-timeout': '60s' } });
  await ground.apply([...rolloutObjects(ground, dry, 'canary'), ...rolloutObjects(ground, broken, 'blueGreen')]);
  const [event, ...findings] = await Promise.all([
    hasEvents(ground, canary, 'Rollout'),
    keptBusy(ground, canary),
    dryRun(ground, dry),
    hopeless(ground, broken, async () => {
      const op = { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'localhost/none:1' } as const;
      await ground.kube.patch(rolloutKind, { namespace, name: broken.name }, [op]);
      await untilHealthy(ground, broken);
    }),
  ]);
  // Its pods never come up: it would take the whole grace.
  await ground.kubectl(['-n', namespace, 'delete', 'rollout', broken.name]);
  return [event, ...findings, await uninstalled(ground, both)];
}
