import { all, type Finding, none } from '../../harness/report.ts';
import { explained } from './site/apps.ts';
import { startFlows, stopFlows, totalsOf } from './site/flows.ts';
import type { Ground, Scenario } from './scenario.ts';
import { diversionOf, eventsOf, phaseOf, readWorkload, tracesOn, type Where } from './site/seen.ts';
import {
  askOnce,
  createAsleep,
  type Described,
  modes,
  ofEachMode,
  serviceObject,
  urlOf,
  workloadObject,
} from './site/workloads.ts';

/** Probes and scrapes of every Service while all sleep. */
export const quiet: Scenario = {
  name: 'quiet',
  doc: 'a scraper and a prober that ask every Service while all sleep wake none of them',
  async run(ground) {
    await ground.product();
    const client = await ground.client();
    const sleepers = ofEachMode(await ground.namespace(), 1);
    await createAsleep(ground, sleepers);
    const epochs = await epochsOf(ground, sleepers);
    const rounds = 5;
    let scraped = 0;
    let probed = 0;
    for (let round = 0; round < rounds; round++) {
      for (const sleeper of sleepers) {
        const ask = (userAgent: string) => client.ask({ protocol: 'get', url: urlOf(sleeper), userAgent });
        if ((await ask('Prometheus/3.5.0')).status === 503) scraped += 1;
        if ((await ask('kube-probe/1.35')).status === 200) probed += 1;
      }
    }
    const after = await epochsOf(ground, sleepers);
    const woken = epochs.filter((epoch, i) => epoch !== after[i]).length;
    return [
      all('scrapes answered 503', scraped, rounds * sleepers.length),
      all('probes answered 200', probed, rounds * sleepers.length),
      none('woken by them', woken),
    ];
  },
};

/** The epoch is new at every transition. */
async function epochsOf(ground: Ground, all: readonly Where[]): Promise<string[]> {
  const found = await Promise.all(all.map((one) => readWorkload(ground, one)));
  return found.map((workload) => `${phaseOf(workload)} ${workload.metadata?.labels?.['scaler/epoch']}`);
}

/** Workloads that the DLX could not serve are not put to sleep, and the explanation has the reason. */
export const strict: Scenario = {
  name: 'strict',
  doc: 'pods that let the DLX not in, or are in a mesh, are not parked, with the reason',
  async run(ground) {
    await ground.product();
    const client = await ground.client();
    const namespace = await ground.namespace();
    // As behind a default-deny NetworkPolicy, on clusters that enforce none: the kubelet says that the pod is ready, and
    // other pods do not get in.
    const denied = { env: { HOST: '127.0.0.1' } };
    const cases = [
      ...modes.map((mode) => ({
        name: `denied-${mode}`,
        mode,
        ...denied,
        why: /ECONNREFUSED|does not reach its pods/,
      })),
      ...modes.map((mode) => ({ name: `mesh-${mode}`, mode, env: {}, why: /sidecar istio-proxy/ })),
    ];
    for (const { name, mode, env } of cases) {
      const workload = workloadObject({ namespace, name, mode, env }, ground.images.app) as Manifest;
      const [app] = workload.spec.template.spec.containers;
      const isDenied = name.startsWith('denied') && app !== undefined;
      if (isDenied) app['readinessProbe'] = { exec: { command: ['true'] }, periodSeconds: 2 };
      else workload.spec.template.spec.containers.push({ ...sidecar, image: ground.images.app });
      await ground.apply([workload, serviceObject(namespace, name)]);
      await client.setMetric(namespace, name, '0');
    }
    const findings: Finding[] = [];
    for (const { name, why } of cases) findings.push(await refusal(ground, { namespace, name }, why));
    return findings;
  },
};

interface Manifest {
  spec: { template: { spec: { containers: Record<string, unknown>[] } } };
}

const sidecar = {
  name: 'istio-proxy',
  imagePullPolicy: 'IfNotPresent',
  command: ['node', '-e', 'setInterval(()=>0,1e6)'],
};

/** In `always` the DLX is not even put into the path, which needs an answer first. */
async function refusal(ground: Ground, where: Where, why: RegExp): Promise<Finding> {
  const said = await explained(where, why, 60_000).catch((error: Error) => error.message);
  for (const text of await eventsOf(ground, where))
    if (/Park|Dlx/.test(text)) ground.log(`${where.name}: Event ${text}`);
  const { metadata, spec } = await readWorkload(ground, where);
  const diverted = await diversionOf(ground, where);
  if (diverted.length > 0) ground.log(`${where.name}: its Service has ${diverted.join(', ')}`);
  const isUp = spec?.replicas === 1 && phaseOf({ metadata }) !== 'asleep';
  const good = why.test(said) && isUp && diverted.length === 0;
  return { what: where.name, wanted: 'not parked nor diverted, and why', got: said.slice(0, 160), good };
}

/** Everything sleeps, and the product goes. */
export const uninstall: Scenario = {
  name: 'uninstall',
  doc: 'helm uninstall while all sleep: nothing is left diverted, and who asks meanwhile is answered',
  async run(ground) {
    // Six that start at once, on a machine that may be busy: one that is not up by then is restored all the same.
    await ground.product({ uninstall: { grace: '90s' } });
    const sleepers = ofEachMode(await ground.namespace(), 2);
    await createAsleep(ground, sleepers);
    const asked = sleepers.filter(({ name }) => name.endsWith('1'));
    await Promise.all(asked.map((one) => startFlows(ground, one, { fresh: 5, kept: 0 })));
    await ground.uninstall();
    const { lost } = await totalsOf(ground, asked, 3);
    for (const one of asked) await stopFlows(ground, one);
    return [none('lost meanwhile', lost), ...(await leftBehind(ground, sleepers))];
  },
};

async function leftBehind(ground: Ground, sleepers: readonly Described[]): Promise<Finding[]> {
  const diversions = (await Promise.all(sleepers.map((one) => diversionOf(ground, one)))).flat();
  const keys = diversions.filter((what) => what === 'the key').length;
  let answered = 0;
  let clean = 0;
  for (const one of sleepers) {
    const workload = await readWorkload(ground, one);
    const { spec, status } = workload;
    const left = tracesOn(workload);
    if (left.length === 0 && spec?.replicas === 1 && status?.readyReplicas === 1) clean += 1;
    else {
      ground.log(`${one.name}: ${status?.readyReplicas ?? 0} of ${spec?.replicas} ready, ${left.join(', ')}`);
      for (const text of await eventsOf(ground, one)) ground.log(`${one.name}: Event ${text}`);
    }
    if ((await askOnce(ground, one)).ok) answered += 1;
  }
  return [
    none('slices left', diversions.length - keys),
    none('selectors left diverted', keys),
    all('awake, with nothing of ours on them', clean, sleepers.length),
    all('answer', answered, sleepers.length),
  ];
}
