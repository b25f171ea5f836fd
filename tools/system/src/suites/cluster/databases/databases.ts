import { run } from '@scaler/command';
import { percentile } from '../../../harness/numbers.ts';
import { all, type Finding, none } from '../../../harness/finding.ts';
import { sizeFrom } from '../../../harness/size.ts';
import { until } from '@scaler/command';
import type { Ground, Scenario } from '../scenario.ts';
import { phaseOf, readWorkload, untilPhase } from '../site/workloads.ts';
import { databaseImage } from './image.ts';
import { clientObject, type Database, databaseObjects, databasesIn } from './objects.ts';

const checks = 20;

export const databases: Scenario = {
  name: 'databases',
  doc: "redis-cli and psql wake Debian's sleeping servers through their Services and get their answer; idle by the DLX's count of connections.",
  limitMs: 600_000,
  async run(ground) {
    const rounds = sizeFrom('E2E_DATABASE_WAKES', 25);
    const image = await databaseImage(ground);
    const namespace = await ground.namespace();
    await ground.product();
    const both = databasesIn(namespace, image);
    await ground.apply([...both.flatMap((one) => databaseObjects(one, image)), clientObject(namespace, image)]);
    await ground.kubectl(['-n', namespace, 'wait', '--for=condition=Ready', 'pod/client', '--timeout=60s']);
    return (await Promise.all(both.map((one) => prove(ground, one, rounds)))).flat();
  },
};

async function prove(ground: Ground, database: Database, rounds: number): Promise<readonly Finding[]> {
  const { name, ask } = database;
  const wokenMs: number[] = [];
  const sleptMs: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const awakeAt = performance.now();
    await untilAsleep(ground, database);
    if (round > 1) sleptMs.push(performance.now() - awakeAt);
    const { ms, wrong } = await asked(database);
    if (wrong === undefined) wokenMs.push(ms);
    else ground.log(`${name}, wake ${round}: ${wrong}`);
    ground.count(1, wrong === undefined ? 0 : 1);
  }
  ground.log(`${name}: from the start of its client to the end, a wake included: ${times(wokenMs)}`);
  ground.log(`${name}: from there until it is asleep again and its pod gone: ${times(sleptMs)}`);
  await untilAsleep(ground, database);
  const client = ask[0]?.split('/').at(-1);
  return [
    all(`${name}: wakes that ${client} had its answer of`, wokenMs.length, rounds),
    await looks(ground, database),
  ];
}

/** Runs the client in its pod. */
async function asked({ namespace, ask, answer }: Database): Promise<{ ms: number; wrong?: string }> {
  const beginMs = performance.now();
  const { code, text } = await run('kubectl', ['-n', namespace, 'exec', 'client', '--', ...ask]);
  const ms = performance.now() - beginMs;
  return code === 0 && text === answer ? { ms } : { ms, wrong: `exit code ${code}, ${JSON.stringify(text)}` };
}

/** What only wants to know whether somebody listens, as a load balancer does, wakes nobody. */
async function looks(ground: Ground, database: Database): Promise<Finding> {
  const { namespace, name, port } = database;
  const look = `for i in $(seq ${checks}); do nc -w 2 ${name} ${port} </dev/null; done; sleep 2`;
  await ground.kubectl(['-n', namespace, 'exec', 'client', '--', 'sh', '-c', look]);
  const phase = phaseOf(await readWorkload(ground, database));
  return none(`${name}: wakes by ${checks} connections without a byte`, phase === 'asleep' ? 0 : 1);
}

/** Its pod is gone too: the next answer is that of a new one. */
async function untilAsleep(ground: Ground, database: Database): Promise<void> {
  const { namespace, name } = database;
  await untilPhase(ground, [database], 'asleep');
  await until(`the pod of ${name} to be gone`, 60_000, async () => {
    const selector = { query: { labelSelector: `app=${name}` } };
    const { items } = (await ground.kube.request('GET', `/api/v1/namespaces/${namespace}/pods`, selector)) as {
      items: unknown[];
    };
    return items.length === 0 || undefined;
  });
}

function times(ms: readonly number[]): string {
  const [p50, p99] = [0.5, 0.99].map((p) => (percentile(ms, p) / 1000).toFixed(1));
  return `p50 ${p50} s, p99 ${p99} s`;
}
