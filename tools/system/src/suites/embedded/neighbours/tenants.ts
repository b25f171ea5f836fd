import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';
import type { ServerImage } from '@scaler/testing-kit/kubernetes';
import type { Answer } from '../../../harness/requests.ts';
import { createFleet } from '../fleet/fleet.ts';
import { modes, type Workload } from '../fleet/workload.ts';
import { hostOf } from './hostile-writes.ts';
import { startProgram } from './program.ts';
import type { TenantCall, TenantCalls, TenantReply } from './tenant-program.ts';

/** The tenants share nothing with the hostile one but the product. */
export const tenantCount = 20;
const windowMs = 1_000;
/** A tenant is in use for so long, and then idle for so long: enough to be parked. */
const busyMs = 4_000;
const quietMs = 6_000;
const everyMs = 200;
const timeoutMs = 30_000;

/** One request of a tenant's client. */
export interface Asked {
  readonly tenant: string;
  readonly answer: Answer;
  readonly tookMs: number;
  /** Sent while its workload was awake. */
  readonly warm: boolean;
  /** Through its host on the shared port, as from a gateway; else through its Service. */
  readonly byHost: boolean;
}

/** Creates a workload of its own for each tenant, in a namespace of its own, with an Ingress for its host. */
export async function createTenants(system: EmbeddedSystem): Promise<readonly Workload[]> {
  const workloads: Workload[] = [];
  for (let i = 0; i < tenantCount; i++) {
    const counts = { selector: 0, overlay: 0, always: 0, [modes[i % modes.length] ?? 'always']: 1 };
    const fleet = await createFleet(system, { counts, windowMs, namespace: `tenant-${i + 1}` });
    for (const workload of fleet.workloads) await system.apply(ingressOf(workload));
    workloads.push(...fleet.workloads);
  }
  return workloads;
}

function ingressOf(workload: Workload): object {
  const { namespace, name } = workload;
  const backend = { service: { name, port: { number: 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace, name },
    spec: { rules: [{ host: hostOf(workload), http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
  };
}

/** Uses the tenants' workloads on and off for so long; resolves with every request. */
export async function useTenants(
  system: EmbeddedSystem,
  side: TenantSide,
  workloads: readonly Workload[],
  forMs: number,
): Promise<readonly Asked[]> {
  const endsAtMs = performance.now() + forMs;
  const asked = await Promise.all(
    workloads.map(async (workload, i) => {
      // The tenants begin one after the other.
      await sleep((i * (busyMs + quietMs)) / workloads.length);
      const found: Asked[] = [];
      while (performance.now() < endsAtMs) {
        found.push(...(await useOnce(system, side, workload)));
        workload.idle = true;
        await sleep(quietMs);
      }
      return found;
    }),
  );
  return asked.flat();
}

async function useOnce(system: EmbeddedSystem, side: TenantSide, workload: Workload): Promise<readonly Asked[]> {
  const requests: Promise<Asked>[] = [];
  const untilMs = performance.now() + busyMs;
  for (let i = 0; performance.now() < untilMs; i++) {
    requests.push(askOnce(system, side, workload, i % 4 === 0));
    // The metric counts the use once the first request is under way.
    workload.idle = false;
    await sleep(everyMs);
  }
  return Promise.all(requests);
}

async function askOnce(
  { proxy }: EmbeddedSystem,
  side: TenantSide,
  workload: Workload,
  byHost: boolean,
): Promise<Asked> {
  const { namespace, name } = workload;
  const warm = workload.phase === 'awake' && workload.readyPods.size > 0;
  const address = byHost ? endpointOf(proxy, systemNamespace, 'dlx') : endpointOf(proxy, namespace, name);
  const [path, host] = byHost ? ['/login', hostOf(workload)] : ['/', `${name}.${namespace}`];
  const answer = address === undefined ? withoutEndpoint : await side.call('ask', { address, path, host, timeoutMs });
  return { tenant: namespace, answer, tookMs: answer.firstByteMs - answer.sentMs, warm, byHost };
}

/**
 * The address to which the rules of a kube-proxy lead a new connection to a Service at this moment. No byte goes through the
 * trial's own process, as none goes through a kube-proxy's.
 */
function endpointOf(proxy: EmbeddedSystem['proxy'], namespace: string, service: string): string | undefined {
  const all = proxy.backends(namespace, service, 80);
  return all[Math.floor(Math.random() * all.length)];
}

/** As a kube-proxy would reset it. */
const withoutEndpoint: Answer = {
  ...{ id: '', ok: false, status: undefined, text: 'the Service has no endpoint', reused: false },
  ...{ sentMs: 0, firstByteMs: 0 },
};

/** The process in which the tenants' clients and apps run, from the side of the trial. */
export interface TenantSide extends Disposable {
  readonly pid: number;
  /** An image whose containers run there. */
  readonly image: ServerImage;
  /** Has it do one of its calls. */
  call<Name extends keyof TenantCalls>(
    name: Name,
    argument: Parameters<TenantCalls[Name]>[0],
  ): ReturnType<TenantCalls[Name]>;
}

export function startTenantSide(): TenantSide {
  const child = startProgram('tenant-program.ts');
  const waiting = new Map<number, (reply: TenantReply) => void>();
  let last = 0;
  const answered = (reply: TenantReply): void => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  };
  child.on('message', answered);
  child.once('exit', (code) => {
    for (const id of waiting.keys()) answered({ id, error: `the tenants' process ended with ${code}` });
  });
  const call = ((name, argument) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ value, error }) => (error === undefined ? resolve(value) : reject(new Error(error))));
      child.send({ id, name, argument } satisfies TenantCall, (error) => {
        if (error !== null) answered({ id, error: error.message });
      });
    })) as TenantSide['call'];
  return {
    pid: child.pid ?? 0,
    image: {
      async start({ env, podIP, signal }) {
        const pod = env['HOSTNAME'] ?? podIP;
        signal.addEventListener('abort', () => void call('kill', pod).catch(() => undefined), { once: true });
        await call('start', { pod, podIP, env });
        return { stop: () => call('stop', pod) };
      },
    },
    call,
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}
