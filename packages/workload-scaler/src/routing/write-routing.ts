import {
  type CallOptions,
  type KubeClient,
  jsonPatch,
  type PatchOperation,
  type EndpointSlice,
  kinds,
  isKubeError,
} from '@scaler/kube';
import { keys } from '../workload/keys.ts';
import { sameSlice, type SliceInfo, trimSlice } from './slices.ts';
import { type ServiceInfo, trimService } from './service-info.ts';

/**
 * Makes a slice of ours say what `wanted` says: creates it, or replaces `existing`. One that belongs to an earlier
 * Service of the same name is deleted first. Returns false when there was nothing to write.
 *
 * @throws KubeError `conflict` or `already-exists` when `existing` is not what stands there: read again.
 */
export async function writeSlice(
  client: KubeClient,
  wanted: EndpointSlice,
  existing: SliceInfo | undefined,
  options: CallOptions,
): Promise<boolean> {
  const target = trimSlice(wanted);
  if (existing && sameSlice(existing, target)) return false;
  // The owner cannot be handed over: the garbage collector may already have decided on the old one.
  const replaces = existing?.ownerUid === target.ownerUid && existing?.addressType === target.addressType;
  if (existing && !replaces) await deleteSlice(client, existing, options);
  try {
    if (existing && replaces) {
      const metadata = { ...wanted.metadata, resourceVersion: existing.resourceVersion };
      await client.replace(kinds.endpointSlice, { ...wanted, metadata }, options);
    } else {
      await client.create(kinds.endpointSlice, wanted, options);
    }
  } catch (error) {
    if (!isKubeError(error, 'write-outcome-unknown')) throw error;
    const found = trimSlice(await client.get(kinds.endpointSlice, target, options));
    if (!sameSlice(found, target)) throw error;
  }
  return true;
}

/**
 * Deletes a slice of ours, if it is still as read. Returns false when it was gone already.
 *
 * @throws KubeError `conflict` when it changed: read again.
 */
export async function deleteSlice(client: KubeClient, slice: SliceInfo, options: CallOptions): Promise<boolean> {
  const { uid, resourceVersion } = slice;
  try {
    await client.delete(kinds.endpointSlice, slice, { ...options, preconditions: { uid, resourceVersion } });
    return true;
  } catch (error) {
    if (isKubeError(error, 'not-found')) return false;
    if (!isKubeError(error, 'write-outcome-unknown')) throw error;
    const found = await client.get(kinds.endpointSlice, slice, options).catch(absent);
    if (found?.metadata?.uid === uid && found.metadata.deletionTimestamp === undefined) throw error;
    return true;
  }
}

const keyPath = jsonPatch.pointer('spec', 'selector', keys.asleep);

/**
 * Adds our key to a Service's selector, which then matches no pod. Returns false when it is there already. It is done for
 * the very version that was read, or never, however late: see docs/decisions/late-writes.md.
 *
 * @throws KubeError `test-failed` when the Service is not as read: read again.
 */
export async function addSelectorKey(
  client: KubeClient,
  service: ServiceInfo,
  epoch: string,
  options: CallOptions,
): Promise<boolean> {
  const key = service.selector?.[keys.asleep];
  if (key === epoch) return false;
  const test = key === undefined ? jsonPatch.testAbsent(keyPath) : jsonPatch.test(keyPath, key);
  const operations = [testVersion(service), test, jsonPatch.add(keyPath, epoch)];
  await patchSelector(client, service, operations, epoch, options);
  return true;
}

/**
 * Takes our key out of a Service's selector again. Returns false when there is none.
 *
 * @throws KubeError `test-failed` when the Service or its key is not as read: read again.
 */
export async function removeSelectorKey(
  client: KubeClient,
  service: ServiceInfo,
  options: CallOptions,
): Promise<boolean> {
  const key = service.selector?.[keys.asleep];
  if (key === undefined) return false;
  await patchSelector(client, service, [jsonPatch.test(keyPath, key), jsonPatch.remove(keyPath)], undefined, options);
  return true;
}

/**
 * Moves the version of a Service, so that no key comes to stand on it any more that was sent before: adds an annotation, or takes it
 * away where it stands.
 *
 * @throws KubeError `test-failed` when the Service is not as read: read again. `write-outcome-unknown`: read again.
 */
export async function touchService(client: KubeClient, service: ServiceInfo, options: CallOptions): Promise<void> {
  const path = jsonPatch.pointer('metadata', 'annotations', keys.touched);
  const add = service.annotated
    ? jsonPatch.add(path, 'true')
    : jsonPatch.add('/metadata/annotations', { [keys.touched]: 'true' });
  const operations = [testVersion(service), service.touched ? jsonPatch.remove(path) : add];
  await client.patch(kinds.service, service, operations, options);
}

// The API does a patch anew where another write came first, and then this fails.
function testVersion({ resourceVersion }: ServiceInfo): PatchOperation {
  return jsonPatch.test('/metadata/resourceVersion', resourceVersion);
}

async function patchSelector(
  client: KubeClient,
  service: ServiceInfo,
  operations: readonly PatchOperation[],
  key: string | undefined,
  options: CallOptions,
): Promise<void> {
  const patch = [jsonPatch.test('/metadata/uid', service.uid), ...operations];
  try {
    await client.patch(kinds.service, service, patch, options);
  } catch (error) {
    if (!isKubeError(error, 'write-outcome-unknown')) throw error;
    const found = trimService(await client.get(kinds.service, service, options));
    if (found.uid !== service.uid || found.selector?.[keys.asleep] !== key) throw error;
  }
}

function absent(error: unknown): undefined {
  if (!isKubeError(error, 'not-found')) throw error;
}
