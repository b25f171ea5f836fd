import { addSelectorKey, deleteSlice, removeSelectorKey, touchService, writeSlice } from '../routing/write-routing.ts';
import { buildSlices, type DivertedPort, type SliceInfo, trimSlice, isOurs } from '../routing/slices.ts';
import { isKubeError, jsonPatch, type PatchOperation } from '@scaler/kube';
import { keyMayCome, routingOf, type ServiceSnapshot } from '../routing/routing.ts';
import { keys } from '../workload/keys.ts';
import { newEpoch, readToken } from '../workload/token.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import { touch, transition } from '../workload/transition.ts';
import type { Workload } from '../workload/workload.ts';
import { givenPorts } from '../ports/port-label.ts';
import type { Dependencies } from '../dependencies.ts';
import { ownLabels, tokenFacts, wantedAddresses } from '../observe/observe.ts';
import type { Managed } from '../cache/lookup.ts';
import type { Ports } from '../ports/ports.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Step, SwapStep } from '../machine/step.ts';
import { ownerIntentAnnotations } from '../machine/facts.ts';

/** On whose behalf a step is done. */
export interface Doing {
  readonly by: string;
  /** Replaces the step's own reason in the state. */
  readonly reason?: string | undefined;
  readonly signal: AbortSignal;
}

/** Steps that write routing, labels or ports. */
export type WriteStep = Exclude<Step, { do: 'rest' | 'wait' | 'confirm' | 'try-path' | 'swap' }>;

export type SwapOutcome = { readonly won: boolean; readonly managed: Managed | undefined };

/** Does the writes of one step. Any of them may be lost to another client: the caller reads again and decides anew. */
export function createApplier(deps: Dependencies, ports: Ports) {
  const { client, clock, lookup, endpoints } = deps;
  return {
    /** The workload as it stands after a swap that was won; undefined: lost. */
    swap: async (
      { kind, workload }: Managed,
      step: SwapStep,
      { by, reason = step.reason, signal }: Doing,
      lane: 'wake' | 'normal' = 'normal',
      epoch: string = newEpoch(),
    ): Promise<SwapOutcome> => {
      const { replicas } = step;
      const since = new Date(clock.now()).toISOString();
      // What its owner wrote after it was read wins, up to the zero itself.
      const testAnnotations = replicas === 0 ? ownerIntentAnnotations : undefined;
      const request = { ...step, kind, workload, epoch, by, reason, since, testAnnotations };
      const result = await transition(client, request, { signal, lane }).catch((error: unknown) => {
        // The accounts policy lets us ask for what was recorded, and for more only to a bound: fewer is better than none.
        const recorded = Math.max(1, readToken(workload).state?.replicas ?? 1);
        if (!isKubeError(error, 'forbidden') || replicas === undefined || replicas <= recorded) throw error;
        const fewer = { ...request, replicas: recorded, wanted: recorded };
        return transition(client, fewer, { signal, lane });
      });
      const after = result.ok ? result.workload : result.current;
      if (result.ok) deps.conflicts.swapped(workload, epoch);
      if (after !== undefined) endpoints.observe(after);
      return { won: result.ok, managed: after && lookup.describe(kind, after) };
    },
    /** False: lost to another client, or the outcome is unknown. */
    write: async (
      snapshot: Snapshot,
      step: WriteStep,
      signal: AbortSignal,
      lane: 'normal' | 'mirror' = 'normal',
    ): Promise<boolean> => {
      deps.conflicts.about(snapshot, step);
      try {
        await write(deps, ports, snapshot, step, { signal, lane });
        deps.conflicts.done(snapshot, step);
        return true;
      } catch (error) {
        // Another client wrote in between, or the outcome is unknown: what stands there now is to be read next.
        if (!isKubeError(error, 'conflict', 'test-failed', 'already-exists', 'not-found', 'write-outcome-unknown'))
          throw error;
        return false;
      }
    },
  };
}

export type Applier = ReturnType<typeof createApplier>;

interface WriteOptions {
  readonly signal: AbortSignal;
  readonly lane: 'normal' | 'mirror';
}

async function write(
  deps: Dependencies,
  ports: Ports,
  snapshot: Snapshot,
  step: WriteStep,
  options: WriteOptions,
): Promise<void> {
  const { client } = deps;
  const { signal } = options;
  if (step.do === 'forget') return forget(deps, snapshot, signal);
  if (step.do === 'label-ports') return ports.assign(snapshot, signal);
  if (step.do === 'touch') {
    const { ref, managed } = snapshot;
    deps.logger.info('The controller has not seen the wake, the workload is touched', { ...ref, times: step.times });
    return managed && touch(client, managed, step.times, { signal });
  }
  const target = snapshot.services.find(({ name }) => name === step.service);
  if (target === undefined) return;
  const { service } = target;
  switch (step.do) {
    case 'delete-slices':
      for (const slice of target.slices.filter(isOurs)) await deleteSlice(client, slice, options);
      return;
    case 'write-slices':
      return writeSlices(deps, snapshot, target, step, options);
    case 'add-key':
      if (service !== undefined) await addSelectorKey(client, service, step.epoch, options);
      return;
    case 'remove-key':
      if (service !== undefined) await removeSelectorKey(client, service, options);
      return;
    case 'touch-service':
      if (service !== undefined) await touchService(client, service, options);
  }
}

async function writeSlices(
  deps: Dependencies,
  { ref, managed }: Snapshot,
  target: ServiceSnapshot,
  { epoch, forKey }: WriteStep & { do: 'write-slices' },
  options: WriteOptions,
): Promise<void> {
  const { service } = target;
  if (service === undefined || managed === undefined) return;
  const ports = givenPorts(deps, managed.workload, target);
  const own = target.slices.filter(isOurs);
  if (!carries(service, own, ports)) await deps.dlx?.check(ports.map(({ listenPort }) => listenPort));
  const addresses = wantedAddresses(deps, target, ports);
  // Kept as it stands where no key is to follow: another reader has to see that one may be on its way.
  const keyAt = forKey || keyMayCome(target) ? service.resourceVersion : own.find((one) => one.keyAt)?.keyAt;
  const replicas = tokenFacts(deps, managed).wanted;
  const wanted = buildSlices({ service, resource: ref.name, epoch, replicas, keyAt, addresses, ports });
  if (wanted.length === 0) return;
  const names = wanted.map((slice) => trimSlice(slice).name);
  for (const [i, slice] of wanted.entries()) {
    await writeSlice(
      deps.client,
      slice,
      own.find(({ name }) => name === names[i]),
      options,
    );
  }
  for (const slice of own) {
    if (!names.includes(slice.name)) await deleteSlice(deps.client, slice, options);
  }
}

/**
 * Whether its slices lead to these ports already. Where they do not, a DLX that was found to listen may have stopped
 * since: it forgets a port with the Service, or the label, that it was for.
 */
function carries(service: ServiceInfo, own: readonly SliceInfo[], ports: readonly DivertedPort[]): boolean {
  const carried = new Set(own.flatMap((slice) => slice.ports.map(({ port }) => port)));
  const isOwned = routingOf(service, own).slice?.owned === true;
  return isOwned && ports.every(({ listenPort }) => carried.has(listenPort));
}

async function forget({ client }: Dependencies, { managed }: Snapshot, signal: AbortSignal): Promise<void> {
  if (managed === undefined) return;
  const { kind, workload } = managed;
  await client.patch(kind.kind, workload, forgetPatch(workload), { signal });
}

// Tests the user's label too: an opt-in at this moment wins.
function forgetPatch(workload: Workload): readonly PatchOperation[] {
  const path = (label: string): string => jsonPatch.pointer('metadata', 'labels', label);
  const state = jsonPatch.pointer('metadata', 'annotations', keys.state);
  return [
    jsonPatch.test('/metadata/uid', workload.uid),
    ...testEnabled(workload),
    ...ownLabels(workload).flatMap(([label, value]) => [
      jsonPatch.test(path(label), value),
      jsonPatch.remove(path(label)),
    ]),
    ...(workload.annotations[keys.state] === undefined ? [] : [jsonPatch.remove(state)]),
  ];
}

function testEnabled({ labels, portLabels }: Workload): readonly PatchOperation[] {
  const path = jsonPatch.pointer('metadata', 'labels', keys.enabled);
  const enabled = labels[keys.enabled];
  if (enabled !== undefined) return [jsonPatch.test(path, enabled)];
  const hasLabels = Object.keys(labels).length + portLabels.length > 0;
  return [jsonPatch.testAbsent(hasLabels ? path : '/metadata/labels')];
}
