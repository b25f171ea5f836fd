import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { until } from '@scaler/command';
import { createWorkload, playRound, startEmbeddedSystem } from '@scaler/demo';
import { echoAppPath } from '@scaler/testing-kit';
import { startEmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import { startApp } from './app.ts';
import { freePort } from './registry.ts';

type Say = (line: string) => void;

/** Each scaler: both installed apps start with it, its workload goes to sleep, and a request that is held is answered. */
export const scalers: Readonly<Record<string, (folder: string, say: Say) => Promise<void>>> = {
  // First, since an app that does not start with it says why.
  'a foreign scaler': checkForeign,
  'the process scaler': checkProcesses,
  'the default scaler': checkDefault,
};

async function checkDefault(folder: string, say: Say): Promise<void> {
  const system = await startEmbeddedSystem({
    installed: folder,
    images: { app: { command: [process.execPath, echoAppPath()], env: { START_DELAY_MS: '200' } } },
    dlxArgs: ['--propagate=0s', '--drain-timeout=1s'],
    autoscalerArgs: ['--scale-interval=250ms', '--cooldown=1s'],
  });
  try {
    const { problems } = await playRound(system, await createWorkload(system, 'always'), 'always', () => undefined);
    if (problems.length > 0) throw new Error(problems.join('; '));
    say('parked on the embedded cluster, and a POST that was held is answered');
  } finally {
    await system.close();
  }
}

async function checkProcesses(folder: string, say: Say): Promise<void> {
  const [port, listenPort, controlPort] = [await freePort(), await freePort(), await freePort()];
  const code = `require('http').createServer((q, r) => r.end('hello')).listen(${port}, '127.0.0.1')`;
  const web = { name: 'web', command: [process.execPath, '-e', code], port, listenPort, idleAfter: '1s' };
  await writeFile(join(folder, 'processes.json'), JSON.stringify({ controlPort, processes: [web] }));
  const scaler = ['--scaler', '@scaler/process-scaler', '--scaler-option', 'file=processes.json'];
  const ticks = ['--scale-interval', '250ms', '--cooldown', '250ms'];
  const own = { dlx: ['--listen-host', '127.0.0.1', '--listen-port', '0'], autoscaler: ticks };
  await checkLocal(folder, scaler, own, {
    resource: 'local/web',
    ask: () => textOf(listenPort, 'web'),
    sleeps: () =>
      textOf(port, 'web').then(
        () => false,
        () => true,
      ),
    answers: ['hello', 'hello'],
  });
  say('a program was ended, and started again by a request that was held');
}

async function checkForeign(folder: string, say: Say): Promise<void> {
  const listenPort = await freePort();
  await writeFile(join(folder, 'shop.json'), JSON.stringify({ phase: 'asleep', starts: 0 }));
  const scaler = ['--scaler', '@acme/shop-scaler', '--scaler-option', 'file=shop.json'];
  await checkLocal(
    folder,
    scaler,
    { dlx: ['--listen-port', String(listenPort)], autoscaler: [] },
    {
      resource: 'acme/shop',
      ask: () => textOf(listenPort, 'shop'),
      sleeps: async () => (await readFile(join(folder, 'shop.json'), 'utf8')).includes('asleep'),
      answers: ['open, start 1', 'open, start 2'],
    },
  );
  say('its server was stopped, and started again by a request that was held');
}

interface Local {
  readonly resource: string;
  ask(): Promise<string>;
  /** Asks the resource itself. */
  sleeps(): Promise<boolean>;
  /** Of the first request, and of the one that comes while it sleeps. */
  readonly answers: readonly [string, string];
}

type OwnArgs = Readonly<Record<'dlx' | 'autoscaler', readonly string[]>>;

/** A cold start, sleep, and another cold start; the autoscaler has its Lease in a cluster of which the scaler knows nothing. */
async function checkLocal(folder: string, scaler: readonly string[], own: OwnArgs, local: Local): Promise<void> {
  const cluster = await startEmbeddedCluster();
  try {
    const drain = ['--propagate', '0', '--drain-timeout', '1s'];
    await using dlx = await startApp(folder, 'dlx', [...scaler, ...drain, ...own.dlx]);
    const peer = ['--dlx-peers', `127.0.0.1:${dlx.infraPort}`];
    // Flags win over what the scaler proposes.
    const lease = ['--lease', '--lease-namespace', 'default', '--kubeconfig', cluster.kubeconfigPath];
    await using _autoscaler = await startApp(folder, 'autoscaler', [...scaler, ...peer, ...lease, ...own.autoscaler]);
    for (const wanted of local.answers) {
      const answer = await local.ask();
      if (answer !== wanted) throw new Error(`${local.resource} answered "${answer}", and not "${wanted}"`);
      await until(`${local.resource} to sleep`, 30_000, async () => (await local.sleeps()) || undefined);
    }
  } finally {
    await cluster.close();
  }
}

function textOf(port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, headers: { host }, agent: false, timeout: 30_000 };
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text)).on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s'))).on('error', reject);
    sent.end();
  });
}
