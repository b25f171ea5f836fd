import { FakeApiError } from '../errors.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicPatch } from './strategic-patch.ts';

/** How a patch is written: RFC 6902, RFC 7386, or Kubernetes' own. */
export type PatchType = 'json' | 'merge' | 'strategic';

const contentTypes: Record<string, PatchType> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/**
 * The patch type of a content type.
 *
 * @throws FakeApiError UnsupportedMediaType for anything else, server-side apply among it.
 */
export function patchTypeOf(contentType: string, custom: boolean): PatchType {
  if (contentType.startsWith('application/apply-patch')) {
    throw new FakeApiError(
      'UnsupportedMediaType',
      'the fake API has no server-side apply; use a JSON or merge patch',
      {},
    );
  }
  const type = contentTypes[contentType];
  if (type === undefined || (custom && type === 'strategic'))
    throw new FakeApiError('UnsupportedMediaType', '415: Unsupported Media Type', {});
  return type;
}

/** Applies a patch of any type to a copy. Errors are those of the type's own function. */
export function applyPatch<T>(type: PatchType, document: T, patch: unknown): T {
  if (type === 'json') return applyJsonPatch(document, patch);
  return type === 'merge' ? applyMergePatch(document, patch) : applyStrategicPatch(document, patch);
}
