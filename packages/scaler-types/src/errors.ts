/** The meaning of each code. README has the same table. */
export const scalerErrors = {
  'invalid-duration': 'A text is not a duration.',
  'invalid-quantity': 'A text is not a Kubernetes quantity.',
  'invalid-answer': 'A DLX answered with something that is no answer of its API; the message names the field.',
  'invalid-resource': 'JSON is not a resource; the message names the path, the value and what is allowed.',
  'park-refused': 'A resource is not parked, and nothing of it was touched. A normal end.',
  'park-cancelled': 'A park was begun and undone: the resource is used, or may be. A normal end.',
  'wake-failed': 'A resource does not start.',
  paused: 'A pause keeps a resource asleep or as it is, so it is not woken. Always terminal.',
  'unknown-resource': 'There is no such resource.',
} as const;

/** Every code of an error that this package makes. */
export type ScalerErrorCode = keyof typeof scalerErrors;

/**
 * An error between an app and a resource scaler. Any error is retried with back-off unless it is marked by
 * {@link terminal}. Match on `code`, never on `instanceof`: several copies of this package may be installed.
 */
export class ScalerError extends Error {
  override readonly name = 'ScalerError';
  readonly code: ScalerErrorCode;

  constructor(code: ScalerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const terminalMark = Symbol.for('@scaler/scaler-types/terminal');

/** Marks an error as not worth a retry, and returns it. A non-error is wrapped. */
export function terminal(error: unknown): Error {
  const marked = error instanceof Error ? error : new Error(String(error));
  Object.defineProperty(marked, terminalMark, { value: true });
  return marked;
}

/** Whether an error, or a cause of it, was marked by {@link terminal}. */
export function isTerminal(error: unknown): boolean {
  for (let e = error, depth = 0; typeof e === 'object' && e !== null && depth < 16; depth++) {
    if (terminalMark in e) return true;
    e = (e as { cause?: unknown }).cause;
  }
  return false;
}

/** The `code` of an error, however it was made; undefined when it has none. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
