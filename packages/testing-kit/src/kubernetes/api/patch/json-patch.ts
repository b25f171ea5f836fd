import { isDeepStrictEqual } from 'node:util';
import { badRequest, patchRejected } from '../errors.ts';
import { isObject, type Json, jsonCopy } from '../object.ts';

/** One operation of an RFC 6902 patch. */
type JsonPatchOperation = { op: string; path: string; from?: string; value?: Json };

type Place = { container: Json[] | { [field: string]: Json }; key: string };

function steps(pointer: string): string[] {
  if (!pointer.startsWith('/')) throw patchRejected();
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function place(document: Json, pointer: string): Place {
  const path = steps(pointer);
  const key = path.pop() as string;
  let at: Json | undefined = document;
  for (const step of path) at = Array.isArray(at) ? at[indexIn(at, step)] : isObject(at) ? at[step] : undefined;
  if (!Array.isArray(at) && !isObject(at)) throw patchRejected();
  return { container: at, key };
}

function indexIn(list: readonly Json[], step: string, most = list.length - 1): number {
  const index = Number(step);
  if (!/^\d+$/.test(step) || index > most) throw patchRejected();
  return index;
}

function read({ container, key }: Place): Json | undefined {
  return Array.isArray(container) ? container[indexIn(container, key)] : container[key];
}

function add({ container, key }: Place, value: Json): void {
  if (!Array.isArray(container)) container[key] = value;
  else if (key === '-') container.push(value);
  else container.splice(indexIn(container, key, container.length), 0, value);
}

function remove({ container, key }: Place): Json {
  if (Array.isArray(container)) return container.splice(indexIn(container, key), 1)[0] as Json;
  const removed = container[key];
  if (removed === undefined) throw patchRejected();
  delete container[key];
  return removed;
}

function replace(at: Place, value: Json): void {
  const { container, key } = at;
  // On a map the real server's library sets a key that was missing instead of refusing it; clients must `test` first.
  if (Array.isArray(container)) container[indexIn(container, key)] = value;
  else container[key] = value;
}

function test(at: Place, value: Json | undefined): void {
  // A missing key equals null, as in the real server's library.
  if (!isDeepStrictEqual(read(at) ?? null, value ?? null)) throw patchRejected();
}

function applyOne(document: Json, { op, path, from, value }: JsonPatchOperation): void {
  const at = place(document, path);
  const source = (): Place => place(document, from ?? '');
  if (op === 'test') test(at, value);
  else if (op === 'remove') remove(at);
  else if (op === 'add' && value !== undefined) add(at, jsonCopy(value));
  else if (op === 'replace' && value !== undefined) replace(at, jsonCopy(value));
  else if (op === 'move') add(at, remove(source()));
  else if (op === 'copy') add(at, jsonCopy(read(source()) ?? null));
  else throw patchRejected();
}

/**
 * Applies an RFC 6902 patch to a copy, all of it or nothing, with the quirks of the library in the real API server.
 *
 * @throws FakeApiError Invalid when a `test` fails or a path is missing, BadRequest when it is no list of operations.
 */
export function applyJsonPatch<T>(document: T, patch: unknown): T {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  const result = jsonCopy(document);
  for (const operation of patch as JsonPatchOperation[]) {
    if (typeof operation?.path !== 'string') throw patchRejected();
    applyOne(result as Json, operation);
  }
  return result;
}
