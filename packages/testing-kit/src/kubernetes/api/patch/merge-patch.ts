import { badRequest } from '../errors.ts';
import { isObject, type Json, type JsonObject, jsonCopy } from '../object.ts';

/** Takes the nulls out of what a merge patch adds. */
function withoutNulls(value: Json): Json {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([name, inner]) => [name, withoutNulls(inner)]),
  );
}

function merge(target: JsonObject, patch: JsonObject): void {
  for (const [name, value] of Object.entries(patch)) {
    const existing = target[name];
    if (value === null) delete target[name];
    else if (isObject(value) && isObject(existing)) merge(existing, value);
    else target[name] = withoutNulls(value);
  }
}

/**
 * Applies an RFC 7386 merge patch to a copy.
 *
 * @throws FakeApiError BadRequest when the patch is not an object.
 */
export function applyMergePatch<T>(document: T, patch: unknown): T {
  if (!isObject(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}');
  const result = jsonCopy(document);
  merge(result as JsonObject, jsonCopy(patch));
  return result;
}
