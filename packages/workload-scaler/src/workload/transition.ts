import type { SwapStep } from '../machine/step.ts';
import { type CallOptions, type KubeClient, jsonPatch, type PatchOperation, isKubeError } from '@scaler/kube';
import { keys } from './keys.ts';
import { labelPatch } from './labels.ts';
import { readToken, type State } from './token.ts';
import { claimsWhenScaledPath, readWorkload, type Workload, workloadTrimmer } from './workload.ts';
import type { WorkloadKind } from './kind.ts';

/** One swap of the token, with what is written beside it. */
export interface Transition extends Omit<SwapStep, 'do'> {
  readonly kind: WorkloadKind;
  /** As read; its labels are what is compared. */
  readonly workload: Workload;
  /** New; see `newEpoch`. */
  readonly epoch: string;
  /** Who does it. */
  readonly by: string;
  /** ISO 8601. */
  readonly since: string;
  /** The swap fails unless these annotations are as in `workload`. */
  readonly testAnnotations?: readonly string[] | undefined;
}

/**
 * Compares and swaps the token. One JSON patch: nothing is written unless the uid, both labels, `testReplicas` and
 * `testAnnotations` are as read. (Where only `/scale` can be written, the replicas follow in a second write.) A write whose answer was lost
 * is looked up by its epoch.
 *
 * @throws KubeError for everything but a lost race; the caller reads again and decides anew.
 */
export async function transition(client: KubeClient, request: Transition, options: CallOptions): Promise<SwapResult> {
  const swapped = await swapToken(client, request, options);
  if (!swapped.ok || !request.kind.scaleOnly || request.replicas === undefined) return swapped;
  return writeScale(client, { ...request, workload: swapped.workload, replicas: request.replicas }, options);
}

async function swapToken(client: KubeClient, request: Transition, options: CallOptions): Promise<SwapResult> {
  const { kind, workload, epoch } = request;
  try {
    const written = await client.patch(kind.kind, workload, patchOf(request), options);
    return { ok: true, workload: workloadTrimmer(kind)(written) };
  } catch (error) {
    if (isKubeError(error, 'not-found')) return { ok: false, current: undefined };
    if (!isKubeError(error, 'test-failed', 'conflict', 'write-outcome-unknown')) throw error;
    const current = await readWorkload(client, kind, workload, options);
    // Ours after all. If it is still on its way, its tests fail as soon as anybody else, we included, writes first.
    const done = current?.uid === workload.uid && current.labels[keys.epoch] === epoch;
    return done ? { ok: true, workload: current } : { ok: false, current };
  }
}

function patchOf(request: Transition): readonly PatchOperation[] {
  const { kind, workload, to, epoch, replicas, testReplicas } = request;
  const operations = [...labelPatch(workload, { [keys.phase]: to, [keys.epoch]: epoch })];
  if (testReplicas !== undefined) operations.push(jsonPatch.test(kind.replicasPath, testReplicas));
  if (!workload.annotated) {
    operations.push(jsonPatch.testAbsent('/metadata/annotations'), jsonPatch.add('/metadata/annotations', {}));
  }
  if (workload.annotated) operations.push(...annotationTests(request));
  const statePath = jsonPatch.pointer('metadata', 'annotations', keys.state);
  operations.push(jsonPatch.add(statePath, JSON.stringify(stateOf(request))));
  // Its owner may have asked for it just now.
  if (replicas === 0 && workload.claimsWhenScaled !== undefined)
    operations.push(jsonPatch.test(claimsWhenScaledPath, workload.claimsWhenScaled));
  if (replicas !== undefined && !kind.scaleOnly) operations.push(jsonPatch.add(kind.replicasPath, replicas));
  return operations;
}

function annotationTests({ workload, testAnnotations = [] }: Transition): readonly PatchOperation[] {
  return testAnnotations.map((name) => {
    const path = jsonPatch.pointer('metadata', 'annotations', name);
    const value = workload.annotations[name];
    return value === undefined ? jsonPatch.testAbsent(path) : jsonPatch.test(path, value);
  });
}

function stateOf({ workload: { uid }, epoch, since, by, reason, wanted }: Transition): State {
  return { epoch, uid, since, replicas: wanted, by, reason };
}

/**
 * Writes into the state how often it was touched. Neither the token nor anything that its owner wrote changes: it is news for those
 * who watch the workload, and nothing else. (It moves the generation of those kinds alone whose generation counts annotations.)
 *
 * @throws KubeError `test-failed`: the state is another one by now.
 */
export async function touch(
  client: KubeClient,
  { kind, workload }: Pick<Transition, 'kind' | 'workload'>,
  touched: number,
  options: CallOptions,
): Promise<void> {
  const { state } = readToken(workload);
  if (state === undefined) return;
  const path = jsonPatch.pointer('metadata', 'annotations', keys.state);
  const patch = [
    jsonPatch.test('/metadata/uid', workload.uid),
    jsonPatch.test(path, workload.annotations[keys.state] ?? ''),
    jsonPatch.add(path, JSON.stringify({ ...state, touched })),
  ];
  await client.patch(kind.kind, workload, patch, options);
}

// Each conflict means that another client, mostly the workload's own controller, wrote its status in between.
const maxAttempts = 8;

/** `ok: false`: another client was first; `current` is what stands there now, undefined when it is gone. */
export type SwapResult =
  { readonly ok: true; readonly workload: Workload } | { readonly ok: false; readonly current: Workload | undefined };

/** Which replicas are to follow a swap of the token. */
export interface ScaleWrite {
  readonly kind: WorkloadKind;
  /** As the swap left it. */
  readonly workload: Workload;
  /** The swap's own. */
  readonly epoch: string;
  readonly replicas: number;
  /** What the swap tested, where it did. */
  readonly testReplicas?: number | undefined;
}

/**
 * The second write of a transition where only `/scale` can be written: PUT, with the resourceVersion at which the
 * token was seen to be ours, so that it cannot overtake another's transition. A crash before it leaves a phase that
 * its replicas contradict; the repair table knows that row.
 */
export async function writeScale(client: KubeClient, request: ScaleWrite, options: CallOptions): Promise<SwapResult> {
  const { kind, replicas, epoch, testReplicas } = request;
  let workload: Workload = request.workload;
  for (let attempt = 1; workload.replicas !== replicas; attempt++) {
    const { resourceVersion } = workload;
    let failure: unknown;
    try {
      await client.putScale(kind.kind, workload, { replicas, resourceVersion }, options);
    } catch (error) {
      if (isKubeError(error, 'not-found')) return { ok: false, current: undefined };
      if (!isKubeError(error, 'conflict', 'write-outcome-unknown')) throw error;
      failure = error;
    }
    const current = await readWorkload(client, kind, workload, options);
    if (current?.uid !== workload.uid || current.labels[keys.epoch] !== epoch) return { ok: false, current };
    const asTested = testReplicas === undefined || current.replicas === testReplicas || current.replicas === replicas;
    if (!asTested) return { ok: false, current };
    if (failure !== undefined && attempt >= maxAttempts && current.replicas !== replicas) throw failure;
    workload = current;
  }
  return { ok: true, workload };
}
