import { deployment, podSpec, service } from '../site/manifests.ts';
import type { Where } from '../site/workloads.ts';
import type { DatabaseImage } from './image.ts';

/** A server that is put to sleep, and the client that wakes it. */
export interface Database extends Where {
  readonly name: 'redis' | 'postgres';
  readonly port: number;
  /** What its pod runs, with `/data` to write to. */
  readonly serve: string;
  /** What says that it may be asked. */
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
