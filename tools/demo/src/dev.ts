import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { commandLine, flag, whole } from '@scaler/command';
import { type App, startEmbeddedSystem } from './embedded-system.ts';
import { appNamespace, createWorkload, images, modes } from './round.ts';

const { inspect, replicas } = commandLine({
  name: 'npm run dev',
  doc: 'Runs both apps from source on an embedded cluster, and starts each again when one of its files changes.',
  options: {
    inspect: flag('a debugger may attach: the DLX at 127.0.0.1:9229, the autoscaler at 127.0.0.1:9230'),
    replicas: whole({ doc: 'replicas of the DLX', least: 1, fallback: 1 }),
  },
  examples: { '': 'stays up until Ctrl-C', '--inspect': 'with breakpoints' },
}).values;
const inspectPorts: Readonly<Record<App, number>> = { dlx: 9229, autoscaler: 9230 };
const say = (text: string): void => console.log(text);
const lookEveryMs = 250;

const system = await startEmbeddedSystem({
  images,
  dlxReplicas: replicas,
  dlxArgs: ['--propagate=0s', '--drain-timeout=1s', '--shutdown-timeout=2s', '--log-level=debug'],
  autoscalerArgs: ['--scale-interval=250ms', '--cooldown=1s', '--log-level=debug'],
  nodeArgs: (app) => [
    '--watch',
    '--watch-preserve-output',
    ...(inspect ? [`--inspect=127.0.0.1:${inspectPorts[app]}`] : []),
  ],
});
const stopFollowing = followLogs(system.logFolder, say);
try {
  for (const mode of modes) {
    const name = await createWorkload(system, mode);
    say(`>>> ${name}: curl -d hello ${system.serviceUrl(appNamespace, name, 80)}`);
  }
  say(`>>> curl -s ${system.adminUrl()}/resources`);
  say(`>>> export KUBECONFIG=${system.kubeconfigPath}   # kubectl apply, edit, scale, get …`);
  say('>>> Change a file under packages/ and the apps that use it start again. Ctrl-C ends it.');
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
} finally {
  stopFollowing();
  await system.close();
}

/**
 * Prints each line that is added to a file of the folder, after the file's name, until the returned function is called.
 */
function followLogs(folder: string, say: (line: string) => void): () => void {
  const readTo = new Map<string, number>();
  const look = (): void => {
    for (const file of readdirSync(folder)) {
      const from = readTo.get(file) ?? 0;
      const { size } = statSync(join(folder, file));
      if (size <= from) continue;
      readTo.set(file, size);
      const name = file.replace(/(-[a-z0-9]+){2}\.log$/, '');
      const lines = createInterface(createReadStream(join(folder, file), { start: from, end: size - 1 }));
      lines.on('line', (line) => say(`${name.padEnd(10)} ${line}`));
    }
  };
  const timer = setInterval(look, lookEveryMs);
  return () => clearInterval(timer);
}
