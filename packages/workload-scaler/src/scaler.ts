import { connectKube, type KubeClient } from '@scaler/kube';
import type { WorkloadKinds } from './workload/kind.ts';
import {
  type Notice,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  type ScaleOptions,
  type ScaleResult,
  ScalerError,
  type ScalerContext,
} from '@scaler/scaler-types';
import { keepBusy } from './act/busy-lease.ts';
import { createExplain } from './explain/explain.ts';
import { discoverKinds } from './config/kinds.ts';
import { feed } from './cache/feed.ts';
import type { Dependencies } from './dependencies.ts';
import { metricsOf } from './status/metrics.ts';
import { statusOf } from './status/status.ts';
import { parseOptions } from './config/options.ts';
import { park } from './act/park.ts';
import { createApplier, type Applier } from './act/apply.ts';
import { createPorts } from './ports/ports.ts';
import { createReconcile } from './act/reconcile.ts';
import { whenUnlisted } from './dlx/unlisted.ts';
import { wake } from './act/wake.ts';
import { assemble, stalenessOf } from './assemble.ts';
import { targetsOf } from './observe/observe.ts';

const syncLimitMs = 30_000;

/**
 * Creates a scaler for workloads of these kinds, and of those that the option `kinds` adds, that carry the label
 * `scaler/enabled: "true"`, with their Services. Where two kinds share a name, the first in the list that is opted in is the resource.
 *
 * @throws WorkloadScalerError `invalid-option`. @throws KubeError `bad-config` when there is no usable kubeconfig.
 */
export async function createWorkloadScaler(context: ScalerContext, kinds: WorkloadKinds): Promise<ResourceScaler> {
  const options = parseOptions(context.options);
  const { kubeconfig = context.kubeconfig, context: kubeContext, apiQps, kinds: configured } = options;
  const { clock, logger, role } = context;
  const client = await connectKube({
    kubeconfig,
    context: kubeContext,
    userAgent: `scaler-${role}`,
    lanes: {
      normal: { concurrency: 16, qps: apiQps, burst: 2 * apiQps },
      // One write each, for every sleeper there is, within seconds.
      mirror: { concurrency: 16, qps: 4 * apiQps, burst: 8 * apiQps },
    },
    clock,
    logger,
  });
  try {
    const discovered = await discoverKinds(client, context, configured, kinds);
    return createScaler(client, context, [...kinds, ...discovered]);
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The same, on a client that is there already. */
export function createScaler(client: KubeClient, context: ScalerContext, kinds: WorkloadKinds): ResourceScaler {
  const stop = new AbortController();
  const { deps, changes, flush, running } = assemble(client, context, kinds, stop.signal);
  const ports = createPorts(deps);
  const applier = createApplier(deps, ports);
  const reconcile = createReconcile(deps, applier, ports, `${context.role} ${context.identity}`);
  const explain = createExplain(deps);
  const { stores, lookup } = deps;
  let closing: Promise<void> | undefined;

  const whenSynced = async (signal: AbortSignal): Promise<void> => {
    await Promise.all([stores.whenSynced(signal), deps.namespaces.whenKnown(signal), deps.dlx?.whenSynced(signal)]);
  };

  return {
    getConfig: () => ({}),
    getResources: async (namespace) => {
      await whenSynced(AbortSignal.any([stop.signal, AbortSignal.timeout(syncLimitMs)]));
      const refs = lookup.refs().filter((ref) => namespace === undefined || ref.namespace === namespace);
      return refs.map((ref) => statusOf(deps, ref).resource).filter((resource) => resource !== undefined);
    },
    setScale: (resources, scale, options) => setScale(deps, applier, resources, scale, options),
    resolveServiceName: (resource, port) => resolveName(deps, resource, port),
    watchResources: async (listener, signal) => {
      const until = AbortSignal.any([signal, stop.signal]);
      const ended = new Promise<void>((resolve) => until.addEventListener('abort', () => resolve(), { once: true }));
      try {
        await whenSynced(until);
        changes.publish(listener, lookup.refs(), until);
        const stopFeeding = feed(deps);
        await ended;
        stopFeeding();
      } catch (error) {
        if (!until.aborted) throw error;
      }
    },
    isStale: stalenessOf(deps),
    watchEndpoints: (target, listener, signal) => deps.endpoints.watch(target, listener, signal),
    reconcile: async (resources, { signal }) => {
      const until = AbortSignal.any([signal, stop.signal]);
      await whenSynced(until);
      return reconcile(resources, until);
    },
    setBusy: (resource, until, { signal }) => keepBusy(deps, resource, until, AbortSignal.any([signal, stop.signal])),
    explain: (resource) => explain(resource, stop.signal),
    tell: (resource, notice) => tell(deps, resource, notice),
    whenUnlisted: (addresses, { signal }) =>
      whenUnlisted(client, context, addresses, AbortSignal.any([signal, stop.signal])),
    metrics: () => metricsOf(deps, ports.use),
    close: () => {
      closing ??= (async () => {
        await flush(AbortSignal.timeout(1_000)).catch(() => undefined);
        stop.abort(new Error('The scaler is closed'));
        deps.watching.close();
        deps.endpoints.close();
        client.close();
        await running;
      })();
      return closing;
    },
  };
}

// The recorder puts a repeated Event together with the one before.
function tell({ lookup, announce }: Dependencies, resource: ResourceRef, { reason, message }: Notice): void {
  const managed = lookup.managed(resource);
  if (managed !== undefined) announce(managed, reason, message);
}

async function setScale(
  deps: Dependencies,
  applier: Applier,
  resources: readonly ResourceRef[],
  scale: number,
  options: ScaleOptions,
): Promise<readonly ScaleResult[]> {
  const replicas = Math.max(options.replicas ?? 0, scale > 1 ? scale : 0);
  const waking: ScaleOptions = replicas > 0 ? { ...options, replicas } : options;
  return Promise.all(
    resources.map(async ({ namespace, name }): Promise<ScaleResult> => {
      const resource = { namespace, name };
      try {
        if (scale === 0) await park(deps, applier, resource, options);
        else await wake(deps, applier, resource, waking);
        return { resource, ok: true };
      } catch (error) {
        const wrapped =
          error instanceof Error ? error : new ScalerError('wake-failed', `${resourceKey(resource)}: ${String(error)}`);
        return { resource, ok: false, error: wrapped };
      }
    }),
  );
}

/**
 * `host:port` of the Service that leads to a resource.
 *
 * @throws ScalerError `unknown-resource` when there is no such resource, or no Service with that port.
 */
export function resolveName({ lookup, options }: Dependencies, ref: ResourceRef, port?: number): string {
  const managed = lookup.managed(ref);
  const targets = managed === undefined ? [] : targetsOf(ref, lookup.servicesOf(managed));
  const target = port === undefined ? targets[0] : targets.find((one) => one.port === port);
  if (target === undefined) {
    const what = port === undefined ? 'a Service' : `a Service with port ${port}`;
    throw new ScalerError('unknown-resource', `There is no resource ${resourceKey(ref)} with ${what}`);
  }
  return `${target.service}.${ref.namespace}.svc.${options.clusterDomain}:${target.port}`;
}
