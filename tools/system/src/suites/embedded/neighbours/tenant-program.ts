// The clients and the apps of the twenty tenants, in a process of their own: the cluster's API in the trial's own process
// takes no time of theirs. They answer the calls of `tenant-side.ts`, with one connection for each request and no retries.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createEchoImage, type RunningServer, type ServerContext } from '@scaler/testing-kit/kubernetes';
import { ask } from '../../../harness/requests.ts';
import { endWithParent } from './program.ts';

interface App {
  readonly running: Promise<RunningServer>;
  readonly killed: AbortController;
}

/** One call, answered once by a {@link TenantReply} of the same number. */
export interface TenantCall {
  readonly id: number;
  readonly name: keyof TenantCalls;
  readonly argument: unknown;
}

export interface TenantReply {
  readonly id: number;
  readonly value?: unknown;
  /** The error, where there is no result. */
  readonly error?: string;
}

/** One request to an address, `host:port`, over a connection of its own. */
export interface TenantRequest {
  readonly address: string;
  readonly path: string;
  readonly host: string;
  readonly timeoutMs: number;
}

const image = createEchoImage({ startDelayMs: 200 });
const apps = new Map<string, App>();
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();

const calls = {
  /** Starts an app; resolves when it listens. */
  async start({ pod, podIP, env }: Pick<ServerContext, 'podIP' | 'env'> & { readonly pod: string }): Promise<void> {
    const killed = new AbortController();
    const running = image.start({ env, podIP, signal: killed.signal });
    apps.set(pod, { running, killed });
    await running;
  },
  /** Stops an app as SIGTERM does; resolves when it has ended. */
  async stop(pod: string): Promise<void> {
    await (await apps.get(pod)?.running)?.stop();
    apps.delete(pod);
  },
  /** Stops an app as SIGKILL does. */
  async kill(pod: string): Promise<void> {
    apps.get(pod)?.killed.abort(new Error('killed'));
    apps.delete(pod);
  },
  ask: ({ address, path, host, timeoutMs }: TenantRequest) =>
    ask(`http://${address}${path}`, { headers: { host }, timeoutMs }),
  /** The lag of its event loop since the last call, in milliseconds. */
  async lateness(_: null): Promise<{ readonly p99Ms: number; readonly maxMs: number }> {
    const late = { p99Ms: loop.percentile(99) / 1e6, maxMs: loop.max / 1e6 };
    loop.reset();
    return late;
  },
};

/** The calls of the trial to this process. */
export type TenantCalls = typeof calls;

async function answer({ id, name, argument }: TenantCall): Promise<void> {
  const reply: TenantReply = await calls[name](argument as never).then(
    (value) => ({ id, value }),
    (error: unknown) => ({ id, error: String(error) }),
  );
  process.send?.(reply);
}

endWithParent();
process.on('message', (call: TenantCall) => void answer(call));
