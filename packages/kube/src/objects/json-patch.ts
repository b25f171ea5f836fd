/** One operation of a JSON patch (RFC 6902), as far as scaler uses them. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** A pointer (RFC 6901): `pointer('metadata', 'labels', 'scaler/phase')` is `/metadata/labels/scaler~1phase`. */
function pointer(...segments: readonly (string | number)[]): string {
  return segments.map((s) => `/${String(s).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Builders for JSON patches. The API answers `test-failed` when a test does not hold, and also when `replace` or
 * `remove` names a path that does not exist; nothing is written then.
 */
export const jsonPatch = {
  pointer,
  test: (path: string, value: unknown): PatchOperation => ({ op: 'test', path, value }),
  /** Holds where the last key of the path is absent. Its parent must exist: test the parent where that may be absent. */
  testAbsent: (path: string): PatchOperation => ({ op: 'test', path, value: null }),
  /** Adds the value, or replaces the one that is there. The parent must exist. */
  add: (path: string, value: unknown): PatchOperation => ({ op: 'add', path, value }),
  replace: (path: string, value: unknown): PatchOperation => ({ op: 'replace', path, value }),
  remove: (path: string): PatchOperation => ({ op: 'remove', path }),
} as const;
