// The clients and the apps of the twenty tenants, in a process of their own: the cluster's API in the trial's own process
// takes no time of theirs. They answer the calls of `tenant-calls.ts`, with one connection for each request and no retries.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createEchoImage, type RunningServer } from '@scaler/testing-kit/kubernetes';
import { ask } from '../../../harness/ask.ts';
import { endWithParent } from './program.ts';
import type { TenantCall, TenantCalls, TenantReply } from './tenant-calls.ts';

interface App {
  readonly running: Promise<RunningServer>;
  readonly killed: AbortController;
}

type Handlers = {
  readonly [Name in keyof TenantCalls]: (
    argument: Parameters<TenantCalls[Name]>[0],
  ) => Promise<ReturnType<TenantCalls[Name]>>;
};

const image = createEchoImage({ startDelayMs: 200 });
const apps = new Map<string, App>();
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();

const handlers: Handlers = {
  async start({ pod, podIP, env }) {
    const killed = new AbortController();
    const running = image.start({ env, podIP, signal: killed.signal });
    apps.set(pod, { running, killed });
    await running;
  },
  async stop({ pod }) {
    await (await apps.get(pod)?.running)?.stop();
    apps.delete(pod);
  },
  async kill({ pod }) {
    apps.get(pod)?.killed.abort(new Error('killed'));
    apps.delete(pod);
  },
  ask: ({ address, path, host, timeoutMs }) => ask(`http://${address}${path}`, { headers: { host }, timeoutMs }),
  async lateness() {
    const late = { p99Ms: loop.percentile(99) / 1e6, maxMs: loop.max / 1e6 };
    loop.reset();
    return late;
  },
};

async function answer({ id, name, argument }: TenantCall): Promise<void> {
  let reply: TenantReply;
  try {
    reply = { id, value: await handlers[name](argument as never) };
  } catch (error) {
    reply = { id, error: String(error) };
  }
  process.send?.(reply);
}

endWithParent();
process.on('message', (call: TenantCall) => void answer(call));
