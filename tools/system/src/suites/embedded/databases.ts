import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtempDisposable, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ProcessImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { keys } from '@scaler/workload-scaler';
import { all, type Finding, percentile } from '../../harness/report.ts';
import { sizeFrom } from '../../harness/size.ts';

const run = promisify(execFile);
const namespace = 'trials';
const limitMs = 30_000;
/** Long enough to see a wake that should not happen. */
const checksMs = 1500;
const checks = 20;
/** Together many times the idle time. */
const looks = 20;
const lookMs = 100;

/** A server that goes to sleep, and the client that wakes it. */
interface Database {
  /** The name of the Deployment, its Service and its port: the port's name gives the protocol. */
  readonly name: 'redis' | 'postgres' | 'smtp';
  readonly port: number;
  readonly image: ProcessImage;
  /** The output that shows that it can be queried. */
  readonly readiness: { tcpSocket: { port: number } } | { exec: { command: string[] } };
  /** One query, and its answer. */
  readonly ask: (host: string, port: number) => readonly [program: string, ...args: string[]];
  readonly answer: string;
  /** The first bytes of a client, after which the server waits for more. */
  readonly word: Buffer;
}

/** `redis-cli` and `psql` against Debian's servers, and Python's `smtplib`, each asleep until a client connects. */
export async function databases(): Promise<readonly Finding[]> {
  const rounds = sizeFrom('TRIALS_DATABASE_WAKES', 50);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'scaler-databases-'));
  const servers = [await redis(), await postgres(folder.path), smtp()];
  const images = Object.fromEntries(servers.map(({ name, image }) => [name, image]));
  await using system = await startEmbeddedSystem({
    images,
    settleMs: 200,
    autoscalerArgs: ['--scale-interval=100ms', '--cooldown=1ms'],
  });
  await Promise.all(servers.map((one) => deploy(system, one)));
  return (await Promise.all(servers.map((one) => prove(system, one, rounds)))).flat();
}

async function redis(): Promise<Database> {
  await run('redis-server', ['--version']).catch(() => missing('redis-server'));
  const command = ['/bin/sh', '-c', 'exec redis-server --bind "$POD_IP" --port "$PORT" --save ""'];
  return {
    name: 'redis',
    port: 6379,
    image: { command },
    readiness: { tcpSocket: { port: 6379 } },
    ask: (host, port) => ['redis-cli', '-h', host, '-p', String(port), 'ping'],
    answer: 'PONG\n',
    word: Buffer.from('PING\r\n'),
  };
}

async function postgres(folder: string): Promise<Database> {
  const bin = await postgresBin();
  const data = join(folder, 'data');
  // PostgreSQL refuses to run as root.
  const plain = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  await chmod(folder, 0o777);
  const [program = '', ...args] = [...plain, `${bin}/initdb`, '--auth=trust', '--username=me', '--no-sync', data];
  await run(program, args);
  const server = `exec "$0" "$@" -D ${data} -h "$POD_IP" -p "$PORT" -c unix_socket_directories=`;
  const command = ['/bin/sh', '-c', server, ...plain, `${bin}/postgres`];
  return {
    name: 'postgres',
    port: 5432,
    image: { command },
    // It accepts connections before it accepts queries.
    readiness: { exec: { command: ['/bin/sh', '-c', `${bin}/pg_isready -q -h "$POD_IP" -p "$PORT"`] } },
    ask: (host, port) => [`${bin}/psql`, '-h', host, '-p', String(port), '-U', 'me', '-Atc', 'select 6*7', 'postgres'],
    answer: '42\n',
    // The SSLRequest of PostgreSQL's protocol.
    word: Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]),
  };
}

/** Speaks first: whoever connects is a client, so that no connection of ours may be among them. */
function smtp(): Database {
  const server = `
import os, socketserver
class Mail(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b'220 mail\\r\\n')
        for line in self.rfile:
            quits = line.upper().startswith(b'QUIT')
            self.wfile.write(b'221 bye\\r\\n' if quits else b'250 ok\\r\\n')
            if quits: return
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
Server((os.environ['POD_IP'], int(os.environ['PORT'])), Mail).serve_forever()`;
  const client = (host: string, port: number): string =>
    `import smtplib; mail = smtplib.SMTP('${host}', ${port}, timeout=30); print(mail.noop()[0]); mail.quit()`;
  return {
    name: 'smtp',
    port: 25,
    image: { command: ['python3', '-c', server] },
    readiness: { tcpSocket: { port: 25 } },
    ask: (host, port) => ['python3', '-c', client(host, port)],
    answer: '250\n',
    word: Buffer.from('NOOP\r\n'),
  };
}

/** Debian installs the server's programs outside of PATH. */
async function postgresBin(): Promise<string> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) missing('/usr/lib/postgresql');
  return `/usr/lib/postgresql/${newest}/bin`;
}

function missing(what: string): never {
  throw new Error(`there is no ${what} here: apt-get install redis-server postgresql`);
}

async function deploy(system: EmbeddedSystem, { name, port, readiness }: Database): Promise<void> {
  await system.service(namespace, name, { port, portName: name });
  await system.deployment(namespace, name, {
    image: name,
    port,
    labels: { 'scaler/enabled': 'true' },
    annotations: { 'scaler/idle-after': '300ms', 'scaler/cooldown': '1ms' },
    readinessProbe: { ...readiness, periodSeconds: 1 },
  });
}

async function prove(system: EmbeddedSystem, one: Database, rounds: number): Promise<readonly Finding[]> {
  const tookMs: number[] = [];
  const { hostname, port } = new URL(system.serviceUrl(namespace, one.name, one.port));
  const [program, ...args] = one.ask(hostname, Number(port));
  for (let round = 0; round < rounds; round++) {
    await untilAsleep(system, one);
    const beganMs = performance.now();
    try {
      const { stdout } = await run(program, args, { timeout: limitMs });
      if (stdout !== one.answer) throw new Error(`answered ${JSON.stringify(stdout)}`);
      tookMs.push(performance.now() - beganMs);
    } catch (error) {
      console.log(`  ${one.name}, wake ${round + 1}: ${(error as Error).message}`);
    }
  }
  const [p50, p99] = [0.5, 0.99].map((p) => Math.round(percentile(tookMs, p)));
  console.log(`  ${one.name}: from the start of its client to the end, a wake included, p50 ${p50} ms, p99 ${p99} ms`);
  const kept = await keepsAwake(system, one, hostname, Number(port));
  await untilAsleep(system, one);
  for (let i = 0; i < checks; i++) await look(hostname, Number(port));
  await sleep(checksMs);
  const slept = phaseOf(system, one) === 'asleep' ? checks : 0;
  return [
    all(`${one.name}: wakes that ${program.split('/').at(-1)} had its answer of`, tookMs.length, rounds),
    all(`${one.name}: looks at which a silent open connection kept it awake`, kept, looks),
    all(`${one.name}: connections without a byte that left it asleep`, slept, checks),
  ];
}

/** Sends its first bytes, and then nothing for several idle times. */
async function keepsAwake(system: EmbeddedSystem, one: Database, host: string, port: number): Promise<number> {
  const socket = connect({ host, port }).resume();
  socket.write(one.word);
  await system.waitFor(() => phaseOf(system, one) === 'awake', { timeoutMs: limitMs });
  let awake = 0;
  for (let i = 0; i < looks; i++) {
    await sleep(lookMs);
    if (phaseOf(system, one) === 'awake' && !socket.destroyed) awake += 1;
  }
  socket.end();
  return awake;
}

/** Opens and closes a connection, as a load balancer or a kubelet does to see whether the port is open. */
async function look(host: string, port: number): Promise<void> {
  const socket = connect({ host, port }, () => socket.end()).resume();
  await once(socket, 'close');
}

async function untilAsleep(system: EmbeddedSystem, one: Database): Promise<void> {
  const gone = (): boolean =>
    system.api.store.list('v1/pods', { namespace, labelSelector: `app=${one.name}` }).items.length === 0;
  await system.waitFor(() => phaseOf(system, one) === 'asleep' && gone(), { timeoutMs: limitMs });
}

function phaseOf({ api }: EmbeddedSystem, { name }: Database): string | undefined {
  return api.store.get('apps/v1/deployments', namespace, name).metadata.labels?.[keys.phase];
}
