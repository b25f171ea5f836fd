import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { run, until } from '@scaler/command';
import { all, type Finding, none, percentile } from '../../../harness/report.ts';
import { sizeFrom } from '../../../harness/size.ts';
import type { Ground, Scenario } from '../scenario.ts';
import { phaseOf, readWorkload, untilPhase, type Where } from '../site/seen.ts';
import { deployment, podSpec, service } from '../site/manifests.ts';

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

/** A connection that only checks whether the port is open, as a load balancer's, wakes no server. */
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

/** An image of Debian's Redis and PostgreSQL, servers and clients. */
export interface DatabaseImage {
  readonly name: string;
  /** The folder of `postgres`, `initdb`, `psql` and `pg_isready`. */
  readonly postgresBin: string;
}

const postgresRoot = '/usr/lib/postgresql';

/**
 * Given by E2E_IMAGE_DATABASES (Debian with the packages `redis` and `postgresql`, this one of E2E_POSTGRES_VERSION, default 15,
 * Debian 12's); with the cluster kit it is made of what this
 * machine has of them.
 *
 * @throws naming what is missing.
 */
export async function databaseImage({ kit }: Ground): Promise<DatabaseImage> {
  const given = process.env['E2E_IMAGE_DATABASES'];
  // The version of the image, whatever this machine has.
  if (given) return { name: given, postgresBin: `${postgresRoot}/${process.env['E2E_POSTGRES_VERSION'] ?? '15'}/bin` };
  const versions = existsSync(postgresRoot) ? await readdir(postgresRoot) : [];
  const version = versions.sort((a, b) => Number(b) - Number(a))[0] ?? '15';
  const home = `${postgresRoot}/${version}`;
  if (!kit?.images)
    throw new Error('Set E2E_IMAGE_DATABASES to an image of Debian with the packages redis and postgresql.');
  const redis = ['redis-server', 'redis-cli'].map((name) => `/usr/bin/${name}`);
  const postgres = ['postgres', 'initdb', 'psql', 'pg_isready'].map((name) => `${home}/bin/${name}`);
  const missing = [...redis, ...postgres].find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`there is no ${missing} here: apt-get install redis postgresql`);
  const programs: string[] = [];
  for (const file of [...redis, ...postgres]) programs.push('-program', `${await realpath(file)}:${file}`);
  // The modules that initdb loads; all of the folder would bring a compiler along.
  const modules = ['plpgsql.so', 'dict_snowball.so'].map((name) => `${home}/lib/${name}`);
  const files = [...modules, `/usr/share/postgresql/${version}`].map((path) => `${path}:${path}`);
  return {
    name: await kit.images.image('scaler-databases:1', '-base', 'node', ...programs, ...files),
    postgresBin: `${home}/bin`,
  };
}

/** A server that is put to sleep, and the client that wakes it. */
export interface Database extends Where {
  readonly name: 'redis' | 'postgres';
  readonly port: number;
  /** The shell command of its pod, with `/data` to write to. */
  readonly serve: string;
  /** The probe that passes once it may be asked. */
  readonly readiness: object;
  /** One question, and its answer. */
  readonly ask: readonly string[];
  readonly answer: string;
}

/** One as a Deployment, the other as a StatefulSet. */
export function databasesIn(namespace: string, { postgresBin: bin }: DatabaseImage): readonly Database[] {
  const host = (name: string): string => `${name}.${namespace}.svc`;
  return [
    {
      namespace,
      name: 'redis',
      kind: 'Deployment',
      port: 6379,
      serve: 'exec /usr/bin/redis-server --protected-mode no --dir /data --save ""',
      readiness: { tcpSocket: { port: 6379 } },
      ask: ['/usr/bin/redis-cli', '-h', host('redis'), 'ping'],
      answer: 'PONG',
    },
    {
      namespace,
      name: 'postgres',
      kind: 'StatefulSet',
      port: 5432,
      serve:
        `${bin}/initdb --auth=trust --username=me --no-sync --no-locale -D /data/db >/data/initdb.log && ` +
        `echo 'host all all all trust' >>/data/db/pg_hba.conf && exec ${bin}/postgres -D /data/db -h '*' -k ''`,
      // It takes connections before it takes questions.
      readiness: { exec: { command: [`${bin}/pg_isready`, '-q', '-h', '127.0.0.1', '-U', 'me'] } },
      ask: [`${bin}/psql`, '-h', host('postgres'), '-U', 'me', '-Atc', 'select 6*7', 'postgres'],
      answer: '42',
    },
  ];
}

/** The workload and its Service, whose port is named by its protocol. */
export function databaseObjects(database: Database, { name: image }: DatabaseImage): readonly object[] {
  const { namespace, name, kind, port, serve, readiness } = database;
  const container = {
    ...program(name, image, serve),
    ports: [{ name, containerPort: port }],
    readinessProbe: { ...readiness, periodSeconds: 1 },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  };
  const annotations = { 'scaler/idle-after': '1s', 'scaler/cooldown': '0s' };
  return [
    deployment(namespace, name, pod(container, { volumes: [{ name: 'data', emptyDir: {} }] }), {
      kind,
      metadata: { labels: { 'scaler/enabled': 'true' }, annotations },
      spec: { replicas: 1, ...(kind === 'StatefulSet' && { serviceName: name }) },
    }),
    service(namespace, name, [{ name, port }]),
  ];
}

/** A pod in which the clients are run. */
export function clientObject(namespace: string, { name: image }: DatabaseImage): object {
  const spec = pod(program('client', image, 'while :; do sleep 3600; done'));
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'client' }, spec };
}

const program = (name: string, image: string, shell: string) => ({ name, image, command: ['/bin/sh', '-c', shell] });

function pod(container: ReturnType<typeof program>, more: object = {}): object {
  return podSpec([container], {
    terminationGracePeriodSeconds: 5,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 },
    ...more,
  });
}
