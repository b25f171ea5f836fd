import { EventEmitter } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedCluster, FakeApi, ServerImage } from '@scaler/testing-kit/kubernetes';
import { runAutoscaler, settings as autoscalerSettings } from '@scaler/autoscaler';
import { runDlx, settings as dlxSettings } from '@scaler/dlx';
import { loadConfig, type ProcessContext, runProcess } from '@scaler/runtime';
import type { Logger } from '@scaler/scaler-types';
import { createSandbox, type Sandbox } from '../sim/sandbox.ts';
import type { Activity } from '../sim/activity.ts';
import type { Timeline } from '../sim/timeline.ts';
import { brakeParks, times } from './fleet.ts';

export const systemNamespace = 'scaler-system';
const infraPort = 8081;
export type App = 'autoscaler' | 'dlx';

/** One process of one of the two apps. */
export interface Program {
  /** `autoscaler-…#2`: its user at the API too, and its identity in the Lease. */
  readonly id: string;
  readonly app: App;
  readonly pod: string;
  readonly address: string;
  readonly sandbox: Sandbox;
  readonly startedMs: number;
  /** Since when it has ended. */
  endedMs: number | undefined;
  stopping: boolean;
  thawedMs: number;
  /** Its wall clock is wrong, or was. */
  clockJumped: boolean;
}

export interface ProgramParts {
  readonly timeline: Timeline;
  readonly activity: Activity;
  /** For kubeconfigs. */
  readonly folder: string;
  readonly api: () => FakeApi;
  /** Called with each log line, for finding the cause of a failure. */
  readonly onLog: (program: string, level: string, message: string, fields: object) => void;
  readonly programs: Program[];
}

const sink = { write: () => true };

/** An image whose containers are the real program, in a sandbox of this process. */
export function createProgramImage(app: App, parts: ProgramParts): ServerImage {
  let lives = 0;
  return {
    start: async ({ env, podIP, signal }) => {
      const pod = env['HOSTNAME'] ?? podIP;
      await parts.timeline.clock.sleep(1_000, signal);
      const id = `${pod}.${++lives}`;
      const { timeline, activity } = parts;
      const started = activity.hold();
      const sandbox = createSandbox();
      const program: Program = {
        ...{ id, app, pod, address: podIP, sandbox, startedMs: timeline.ms },
        ...{ endedMs: undefined, stopping: false, thawedMs: -Infinity, clockJumped: false },
      };
      const killed = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          program.endedMs ??= timeline.ms;
          sandbox.kill();
          started();
          resolve();
        });
      });
      const kubeconfig = await writeKubeconfig(parts, id);
      const seam = Object.assign(new EventEmitter(), { exit: () => undefined, stdout: sink, stderr: sink });
      parts.programs.push(program);
      const logger = createLog(parts, id, (message) => message === 'listening' && started());
      const ended = sandbox.run(() =>
        runProcess({
          name: app,
          logger,
          clock: timeline.clockOf(sandbox),
          process: seam,
          run: runOf(app, { id, podIP, kubeconfig }),
        }),
      );
      void ended.then(() => {
        program.endedMs ??= timeline.ms;
        started();
      });
      return {
        stop: async () => {
          program.stopping = true;
          if (!sandbox.dead) sandbox.run(() => seam.emit('SIGTERM', 'SIGTERM'));
          await Promise.race([ended, killed]);
          program.endedMs ??= timeline.ms;
          sandbox.kill();
        },
      };
    },
  };
}

async function writeKubeconfig({ folder, api }: ProgramParts, id: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, id);
  await writeFile(path, api().kubeconfig(id));
  return path;
}

function runOf(
  app: App,
  { id, podIP, kubeconfig }: { id: string; podIP: string; kubeconfig: string },
): (context: ProcessContext) => Promise<void> {
  const common = [
    `--identity=${id}`,
    `--kubeconfig=${kubeconfig}`,
    `--dlx-service=${systemNamespace}/dlx`,
    `--infra-host=${podIP}`,
    `--admin-host=${podIP}`,
    `--scaler-option=settle=${times.settle}s`,
    `--scaler-option=deadManSwitch=${times.deadManSwitch}s`,
  ];
  if (app === 'dlx') {
    const config = loadConfig(dlxSettings, { argv: [...common, `--listen-host=${podIP}`], env: {} });
    return (context) => runDlx({ ...context, config, appUrl: import.meta.url });
  }
  const config = loadConfig(autoscalerSettings, { argv: [...common, ...autoscalerFlags], env: {} });
  return (context) => runAutoscaler({ ...context, config, appUrl: import.meta.url });
}

const autoscalerFlags: readonly string[] = [
  `--lease-namespace=${systemNamespace}`,
  `--lease-duration=${times.lease}s`,
  `--scale-interval=${times.interval}s`,
  `--cooldown=${times.cooldown}s`,
  `--idle-after=${times.window}s`,
  '--max-parks=20',
  `--brake-parks=${brakeParks}`,
];

function createLog({ onLog }: ProgramParts, id: string, onMessage: (message: string) => unknown): Logger {
  const make = (bound: object): Logger => {
    const at =
      (level: string) =>
      (message: string, fields: object = {}): void => {
        onMessage(message);
        onLog(id, level, message, { ...bound, ...fields });
      };
    return {
      ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

/** Starts two replicas of each app, with the Service by which they find the DLX. */
export async function deployPrograms(cluster: EmbeddedCluster): Promise<void> {
  const options = {
    replicas: 2,
    terminationGracePeriodSeconds: 65,
    readinessProbe: { httpGet: { path: '/readyz', port: infraPort }, periodSeconds: 2, failureThreshold: 2 },
  };
  await cluster.service(systemNamespace, 'dlx', { port: infraPort, portName: 'infra' });
  for (const app of ['dlx', 'autoscaler']) {
    await cluster.deployment(systemNamespace, app, { image: `scaler/${app}`, ...options });
  }
}
