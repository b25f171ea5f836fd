import { commandLine, flag, whole } from '@scaler/command';
import { echoAppPath } from '@scaler/testing-kit';
import { type App, startEmbeddedSystem } from './embedded-system.ts';
import { followLogs } from './follow-logs.ts';
import { appNamespace, createWorkload, modes } from './round.ts';

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

const system = await startEmbeddedSystem({
  images: { app: { command: [process.execPath, echoAppPath()], env: { START_DELAY_MS: '200' } } },
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
