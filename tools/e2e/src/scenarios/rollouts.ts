import { until } from '../cluster.ts';
import { atMost, type Finding, none } from '../trials/finding.ts';
import type { Client } from './client.ts';
import { dlxPods, heldBy } from './dlx-metrics.ts';
import { productNamespace, type Values } from './install.ts';
import { type Loss, startLoad } from './load.ts';
import type { Ground, Scenario } from './scenario.ts';
import { createWorkloads, type Described, modes, untilPhase, urlOf } from './workloads.ts';

const atLeast = 5_000;

function verdict({ sent, lost, wakes, failedWakes }: Loss, leastWakes = 3): Finding[] {
  return [
    { what: 'requests at 200 per second', wanted: `≥ ${atLeast}`, got: String(sent), good: sent >= atLeast },
    none('lost of them', lost),
    { what: 'sleepers woken meanwhile', wanted: `≥ ${leastWakes}`, got: String(wakes), good: wakes >= leastWakes },
    none('wakes that failed', failedWakes),
  ];
}

/** Every pod of one of the apps is replaced by `helm upgrade`. */
function upgrade(app: 'dlx' | 'autoscaler'): Scenario {
  return {
    name: `upgrade-${app}`,
    doc: `a rolling upgrade of the ${app} at 200 requests per second, with sleepers waking all the while`,
    async run(ground) {
      await ground.product();
      const load = await startLoad(ground, await ground.client());
      const beginMs = performance.now();
      await ground.product(annotated(app));
      ground.log(`rolled out in ${Math.round((performance.now() - beginMs) / 1000)} s`);
      return verdict(await load.end(atLeast));
    },
  };
}

const annotated = (app: string): Values => ({ [app]: { podAnnotations: { upgraded: new Date().toISOString() } } });

export const upgradeDlx = upgrade('dlx');
export const upgradeAutoscaler = upgrade('autoscaler');

const heldEach = 10;

/** Ten requests for each of three slow sleepers; resolves when all are held. */
async function hold(ground: Ground, client: Client): Promise<() => Promise<Finding[]>> {
  const namespace = await ground.namespace();
  const slow = modes.map((mode): Described => ({ namespace, name: mode, mode, env: { START_DELAY_MS: '6000' } }));
  await createWorkloads(ground, slow);
  for (const { name } of slow) await client.setMetric(namespace, name, '0');
  await untilPhase(ground, slow, 'asleep', 120_000);
  const asks = slow.flatMap((one) =>
    Array.from({ length: heldEach }, () => client.ask({ protocol: 'post', url: urlOf(one) })),
  );
  const pods = await dlxPods();
  const held = await until('all to be held', 10_000, async () => {
    const each = await heldBy(pods);
    const inAll = each.reduce((sum, count) => sum + count, 0);
    if (inAll >= asks.length) return each;
    throw new Error(`${inAll} are`);
  });
  ground.log(`held: ${held.join(' + ')}`);
  return async () => {
    const answers = await Promise.all(asks);
    const lost = answers.filter(({ ok }) => !ok);
    for (const { text, ms } of lost.slice(0, 5)) ground.log(`held: after ${ms} ms ${text}`);
    ground.count(answers.length, lost.length);
    const slowest = Math.max(...answers.map(({ ms }) => ms));
    return [
      none(`lost of ${answers.length} POSTs of 1 MB that were held`, lost.length),
      atMost('the slowest of them', slowest, 30_000),
    ];
  };
}

export const deleteDlx: Scenario = {
  name: 'delete-dlx',
  doc: 'a DLX pod is deleted while it holds requests: they are answered, and nothing else is lost',
  async run(ground) {
    await ground.product();
    const client = await ground.client();
    const load = await startLoad(ground, client);
    const answered = await hold(ground, client);
    const [pod = ''] = await dlxPods();
    await ground.kubectl(['-n', productNamespace, 'delete', 'pod', pod, '--wait=false']);
    const findings = await answered();
    await ground.kubectl(['-n', productNamespace, 'rollout', 'status', 'deployment/scaler-dlx', '--timeout=90s']);
    return [...findings, ...verdict(await load.end(atLeast))];
  },
};

export const restartApi: Scenario = {
  name: 'restart-api',
  doc: 'the API server is killed and started again while sleepers wake',
  needsKit: true,
  async run(ground) {
    await ground.product();
    const client = await ground.client();
    const load = await startLoad(ground, client);
    const answered = await hold(ground, client);
    await ground.kit?.restart('kube-apiserver');
    const findings = await answered();
    return [...findings, ...verdict(await load.end(atLeast))];
  },
};
