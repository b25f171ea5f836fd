import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endpoint, Resource } from '@scaler/scaler-types';
import { none } from '../figure.ts';
import type { Calls } from '../processes/calls.ts';
import { startWorker, type Worker } from '../processes/child.ts';
import { type Counted, type DlxOptions, type DlxProcess, startDlx } from '../processes/dlx.ts';
import type { Figure } from '../scenario.ts';
import type { AppCalls } from './app.ts';
import type { ClientCalls } from './client.ts';
import type { FakeClusterCalls } from './fake-cluster.ts';
import type { SerialAppCalls } from './serial-app.ts';

/** The processes of a scenario; all of them end with the scenario. */
export type Stage = ReturnType<typeof openStage>;

/** A Kubernetes API in memory. */
export interface Cluster extends Pick<Worker<FakeClusterCalls>['calls'], 'fill' | 'raised'> {
  /** The path of its kubeconfig. */
  readonly kubeconfig: string;
}

export function openStage() {
  const stack = new AsyncDisposableStack();
  const worker = async <C extends Calls>(module: string): Promise<Worker<C>['calls']> =>
    stack.use(await startWorker<C>(`hold/${module}`)).calls;
  const dlx = async (options?: DlxOptions): Promise<DlxProcess> => stack.use(await startDlx(options));
  return {
    dlx,
    /** A DLX with the one sleeper `web`, whose wakes end at an app on that port. */
    async dlxBefore(appPort: number, plan: { tookMs?: number } = {}, tree?: string): Promise<DlxProcess> {
      const started = await dlx({ tree });
      await started.control.set([sleeper('web')]);
      await started.control.plan('web', { ...plan, endpoints: [loopback(appPort)] });
      return started;
    },
    client: () => worker<ClientCalls>('client'),
    app: () => worker<AppCalls>('app'),
    serialApp: () => worker<SerialAppCalls>('serial-app'),
    async cluster(): Promise<Cluster> {
      const { start, fill, raised } = await worker<FakeClusterCalls>('fake-cluster');
      const folder = await mkdtemp(join(tmpdir(), 'scaler-bench-'));
      stack.defer(() => rm(folder, { recursive: true, force: true }));
      const kubeconfig = join(folder, 'kubeconfig');
      await writeFile(kubeconfig, await start());
      return { kubeconfig, fill, raised };
    },
    [Symbol.asyncDispose]: (): Promise<void> => stack.disposeAsync(),
  };
}

/** A sleeper whose only target is port 80 of a Service of its name. */
export function sleeper(name: string, more: Partial<Resource> = {}): Resource {
  const targets = [{ service: name, port: 80 }];
  return { namespace: 'default', name, scaleResources: [], phase: 'asleep', targets, ...more };
}

export function loopback(port: number): Endpoint {
  return { address: '127.0.0.1', port, id: `app-${port}` };
}

/** Waits until all accepted requests have ended. @throws when they have not, or a gauge is not back at 0. */
export async function settled(dlx: DlxProcess): Promise<Counted> {
  return dlx.until(
    'all have ended',
    ({ accepted, sum, held, inFlight }) => sum === accepted && held + inFlight === 0,
    5_000,
  );
}

/** The accepted requests that have not ended in an outcome, which must be 0. Ask once the clients have closed. */
export async function outcomesMissing(dlx: DlxProcess): Promise<Figure> {
  const counted = await dlx
    .until('all have ended', ({ accepted, sum }) => accepted === sum, 5_000)
    .catch(() => dlx.outcomes());
  return none('outcomes missing', counted.accepted - counted.sum);
}
