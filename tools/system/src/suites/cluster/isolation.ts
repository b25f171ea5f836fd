import { checkScope } from '@scaler/chart';
import { run } from '@scaler/command';
import { all, each, type Finding, none } from '../../harness/report.ts';
import type { Answer } from './site/client.ts';
import { productNamespace } from './site/install.ts';
import type { Ground, Scenario } from './scenario.ts';
import { phaseOf, readWorkload } from './site/seen.ts';
import {
  askOnce,
  createAsleep,
  createWorkloads,
  type Described,
  modes,
  putToSleep,
  setIdle,
} from './site/workloads.ts';

/** Namespaces with the same names in them; what the accounts may read and write, in either scope. */
export const isolation: Scenario = {
  name: 'isolation',
  doc: 'the same names in two namespaces are two resources; nothing outside the scope may be read or is touched',
  async run(ground) {
    await ground.product();
    const here = await ground.namespace();
    const there = await ground.namespace();
    const twins = [here, there].map((namespace) =>
      modes.map((mode): Described => ({ namespace, name: `web-${mode}`, mode })),
    );
    await createAsleep(ground, twins.flat(), 120_000);
    const findings = [...(await sameNames(ground, twins)), await mayInCluster(there)];
    await ground.product({ scope: { type: 'namespaces', namespaces: [here] } });
    return [...findings, ...(await oneNamespace(ground, twins))];
  },
};

/** Each is woken by a request; the number of right answers. */
async function wakeEach(
  ground: Ground,
  all: readonly Described[],
  isRight: (answer: Answer, one: Described) => Promise<boolean> | boolean,
): Promise<number> {
  let right = 0;
  for (const one of all) {
    await setIdle(ground, [one], false);
    if (await isRight(await askOnce(ground, one), one)) right += 1;
  }
  return right;
}

/** Each of the first namespace is asked; those of the second sleep on. */
async function sameNames(ground: Ground, [mine = [], others = []]: Described[][]): Promise<Finding[]> {
  const right = await wakeEach(ground, mine, async ({ ok, text }, { namespace, name }) => {
    const pods = await ground.kubectl(['-n', namespace, 'get', 'pods', '-l', `app=${name}`, '-o', 'name']);
    const isOwn = ok && pods.includes((JSON.parse(text) as { identity: string }).identity);
    if (!isOwn) ground.log(`${name}: ${text}, of ${pods}`);
    return isOwn;
  });
  const phases = await Promise.all(others.map(async (other) => phaseOf(await readWorkload(ground, other))));
  return [
    all('answered by a pod of the namespace that was asked', right, mine.length),
    each('those of the same names in the other namespace sleep on', phases, (phase) => phase === 'asleep'),
  ];
}

/** The rights of either account where the whole cluster is managed. */
async function mayInCluster(namespace: string): Promise<Finding> {
  const both = ['list pods', 'list services', 'list deployments.apps', 'patch deployments.apps', 'create events'];
  const unread = [
    'secrets',
    'configmaps',
    'nodes',
    'persistentvolumes',
    'serviceaccounts',
    'roles.rbac.authorization.k8s.io',
  ];
  const neither = [
    ...unread.map((resource) => `list ${resource}`),
    ...['create pods', 'create pods/exec', 'delete pods', 'create deployments.apps', 'delete deployments.apps'],
    ...['update deployments.apps', 'delete services', 'create clusterrolebindings.rbac.authorization.k8s.io'],
    ...['impersonate users', 'create serviceaccounts/token', 'delete namespaces'],
  ];
  const autoscalerOnly = ['patch services', 'create endpointslices.discovery.k8s.io'];
  const rows = ['autoscaler', 'dlx'].flatMap((app) => [
    ...both.map((what) => ({ app, what, may: true })),
    ...neither.map((what) => ({ app, what, may: false })),
    ...autoscalerOnly.map((what) => ({ app, what, may: app === 'autoscaler' })),
  ]);
  const wrong: string[] = [];
  for (const { app, what, may } of rows) {
    const as = `system:serviceaccount:${productNamespace}:scaler-${app}`;
    const { text } = await run('kubectl', ['auth', 'can-i', ...what.split(' '), '-n', namespace, '--as', as]);
    if (/^yes$/m.test(text) !== may) wrong.push(`${app} may ${may ? 'not ' : ''}${what}`);
  }
  const got = wrong.length === 0 ? `${rows.length} as they must be` : wrong.join('; ');
  return { what: 'rights in the scope of the cluster', wanted: '0 wrong', got, good: wrong.length === 0 };
}

/** The second namespace is left to itself; the first goes on. */
async function oneNamespace(ground: Ground, [mine = [], others = []]: Described[][]): Promise<Finding[]> {
  const [here = '', there = ''] = [mine[0]?.namespace, others[0]?.namespace];
  const wrong = await checkScope(productNamespace, here, there);
  for (const problem of wrong) ground.log(problem);
  // Sleepers outside of the narrowed scope belong to no scaler any more: they are set right by hand, and then left alone.
  for (const { name, namespace } of others) {
    await ground.kubectl(['-n', namespace, 'delete', 'deployment', name, '--wait']);
    await ground.kubectl(['-n', namespace, 'delete', 'service', name]);
  }
  await createWorkloads(ground, others);
  await putToSleep(ground, mine, 60_000);
  const right = await wakeEach(ground, mine, ({ ok }) => ok);
  const touched = (await Promise.all(others.map((other) => readWorkload(ground, other)))).filter(
    (workload) => phaseOf(workload) !== undefined || workload.spec?.replicas !== 1,
  );
  return [
    none('rights too many or too few in the scope of one namespace', wrong.length),
    all('parked and woken in it', right, mine.length),
    none('workloads outside of it that were touched', touched.length),
  ];
}
