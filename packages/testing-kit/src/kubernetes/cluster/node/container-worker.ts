import type { Clock } from '@scaler/scaler-types';
import { runCommand } from './command.ts';
import { toTimestamp } from '../../api/object.ts';
import type { RunningContainer } from './container.ts';
import type { Image } from '../image.ts';
import type { Container, ContainerState, ContainerStatus, Pod } from '../objects.ts';
import { containerEnv } from './pod-env.ts';
import { runProbe } from './probe.ts';
import { startProcessContainer } from './process-container.ts';
import type { Reaper } from './reaper.ts';
import { startServerContainer } from './server-container.ts';

export interface ContainerContext {
  readonly clock: Clock;
  readonly reaper: Reaper;
  readonly images: Readonly<Record<string, Image>>;
  /** First pause after a failed pull or a second crash, in milliseconds; doubles up to 30 times as much. */
  readonly backOffMs: number;
}

/** One container of a pod through all its lives. */
export interface ContainerWorker {
  readonly name: string;
  readonly pid: number | undefined;
  status(): ContainerStatus;
  /** Pulls, starts, probes and restarts until `signal`: the pod is to end. */
  run(podIP: string, signal: AbortSignal): Promise<void>;
  /** preStop hook, SIGTERM, what is left of the grace period, SIGKILL; resolves when it has ended. */
  terminate(graceMs: number): Promise<void>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** The least time after SIGTERM, as kubelet has it, even if the hook took all of the grace period. */
const leastGraceMs = 2_000;
/** A container that ran this long starts with a clean record. */
const forgiveMs = 600_000;

export function createContainerWorker(
  container: Container,
  pod: Pod,
  context: ContainerContext,
  onChange: () => void,
): ContainerWorker {
  const { clock, images } = context;
  let state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  let lastState: ContainerState = {};
  let ready = false;
  let restartCount = 0;
  let runs = 0;
  let running: RunningContainer | undefined;
  let env: Record<string, string> = {};

  const wait = (reason: string, message?: string): void => {
    state = { waiting: { reason, ...(message !== undefined && { message }) } };
    onChange();
  };

  const pull = async (signal: AbortSignal): Promise<Image> => {
    for (let backOffMs = context.backOffMs; ; backOffMs = Math.min(backOffMs * 2, context.backOffMs * 30)) {
      const image = images[container.image];
      if (image !== undefined) return image;
      const problem = `failed to pull image "${container.image}": no such image in this cluster`;
      wait('ErrImagePull', problem);
      await clock.sleep(Math.min(1_000, backOffMs / 2), signal);
      wait('ImagePullBackOff', `Back-off pulling image "${container.image}": ErrImagePull: ${problem}`);
      await clock.sleep(backOffMs, signal);
    }
  };

  const launch = (image: Image, podIP: string): RunningContainer => {
    const imageEnv = 'command' in image ? (image.env ?? {}) : {};
    env = containerEnv(pod, container, imageEnv, podIP);
    if ('start' in image) return startServerContainer(image, { env, podIP });
    const command = [...(container.command ?? image.command), ...(container.args ?? [])];
    return startProcessContainer({ command, env, cwd: image.cwd, reaper: context.reaper });
  };

  /** Probes while the container runs; without a probe it is ready at once. */
  const probe = async (podIP: string, signal: AbortSignal): Promise<void> => {
    const onResult = (success: boolean): void => {
      ready = success;
      onChange();
    };
    const { readinessProbe } = container;
    onResult(readinessProbe === undefined);
    if (readinessProbe) await runProbe(readinessProbe, { container, podIP, env }, clock, onResult, signal);
  };

  /** One life, from the start to the exit. */
  const live = async (image: Image, podIP: string): Promise<void> => {
    const startedAt = toTimestamp(clock.now());
    running = launch(image, podIP);
    runs++;
    const ended = new AbortController();
    state = { running: { startedAt } };
    onChange();
    probe(podIP, ended.signal).catch(() => undefined);
    const exit = await running.exited;
    ended.abort(new Error('the container ended'));
    running = undefined;
    ready = false;
    const reason = exit.exitCode === 0 ? 'Completed' : exit.exitCode === 128 ? 'StartError' : 'Error';
    state = { terminated: { ...exit, reason, startedAt, finishedAt: toTimestamp(clock.now()) } };
    onChange();
  };

  const run = async (podIP: string, signal: AbortSignal): Promise<void> => {
    let backOffMs = 0;
    for (;;) {
      const image = await pull(signal);
      signal.throwIfAborted();
      const startedAt = clock.monotonic();
      await live(image, podIP);
      if (signal.aborted) return;
      if (clock.monotonic() - startedAt >= forgiveMs) backOffMs = 0;
      lastState = state;
      if (backOffMs > 0) {
        wait('CrashLoopBackOff', `back-off ${backOffMs / 1_000}s restarting failed container=${container.name}`);
        await clock.sleep(backOffMs, signal);
      }
      // The first restart is at once.
      backOffMs = backOffMs === 0 ? context.backOffMs : Math.min(backOffMs * 2, context.backOffMs * 30);
      restartCount++;
    }
  };

  const preStop = async (signal: AbortSignal): Promise<void> => {
    const hook = container.lifecycle?.preStop;
    if (hook?.sleep) await clock.sleep(hook.sleep.seconds * 1_000, signal);
    if (hook?.exec) await runCommand(hook.exec.command, env, signal);
  };

  return {
    name: container.name,
    get pid() {
      return running?.pid;
    },
    status: () => ({
      name: container.name,
      image: container.image,
      imageID: runs > 0 ? container.image : '',
      ...(runs > 0 && { containerID: `embedded://${pod.metadata.uid}/${container.name}/${runs}` }),
      ready,
      started: running !== undefined,
      restartCount,
      state,
      lastState,
    }),
    run: (podIP, signal) =>
      run(podIP, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      }),
    async terminate(graceMs) {
      const current = running;
      if (current === undefined) return;
      const startedAt = clock.monotonic();
      const over = new AbortController();
      void current.exited.then(() => over.abort(new Error('exited')));
      const cancelHook = clock.after(graceMs, () => over.abort(new Error('grace period over')));
      await preStop(over.signal).catch(() => undefined);
      cancelHook();
      current.terminate();
      const leftMs = Math.max(graceMs - (clock.monotonic() - startedAt), Math.min(leastGraceMs, graceMs));
      const cancelKill = clock.after(leftMs, () => current.kill());
      await current.exited;
      cancelKill();
    },
    kill: (signal) => (signal === 'SIGKILL' ? running?.kill() : running?.terminate()),
  };
}
