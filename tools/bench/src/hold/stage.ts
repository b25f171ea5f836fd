import type { Endpoint, Resource } from '@scaler/scaler-types';
import type { Calls } from '../processes/calls.ts';
import { cores } from '../machine/cores.ts';
import { startWorker, type Worker } from '../processes/child.ts';
import { type Counted, type DlxOptions, type DlxProcess, startDlx } from '../processes/dlx.ts';
import type { AppCalls } from './app.ts';
import type { ClientCalls } from './client.ts';
import type { SerialAppCalls } from './serial-app.ts';
import { beside } from '../processes/beside.ts';

/** The processes of a scenario; all of them end with the scenario. */
export interface Stage extends AsyncDisposable {
  dlx(options?: DlxOptions): Promise<DlxProcess>;
  client(): Promise<Worker<ClientCalls>['calls']>;
  app(): Promise<Worker<AppCalls>['calls']>;
  serialApp(): Promise<Worker<SerialAppCalls>['calls']>;
  /** Starts another process of the bench, by its file beside this one. */
  worker<C extends Calls>(module: string): Promise<Worker<C>>;
}

export function openStage(): Stage {
  const stops: (() => Promise<void>)[] = [];
  const worker = async <C extends Calls>(module: string): Promise<Worker<C>> => {
    const started = await startWorker<C>(beside(import.meta, module), { core: cores.others });
    stops.push(started.stop);
    return started;
  };
  return {
    async dlx(options = {}) {
      const dlx = await startDlx({ core: cores.proxy, ...options });
      stops.push(dlx.stop);
      return dlx;
    },
    client: async () => (await worker<ClientCalls>('client')).calls,
    app: async () => (await worker<AppCalls>('app')).calls,
    serialApp: async () => (await worker<SerialAppCalls>('serial-app')).calls,
    worker,
    async [Symbol.asyncDispose]() {
      await Promise.all(stops.map((stop) => stop()));
    },
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
