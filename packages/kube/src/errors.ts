import { CodedError, type Deadline } from '@scaler/async';

/**
 * Every code of a {@link KubeError}, with what it means for the caller. README has the same table.
 */
export const kubeErrorCodes = {
  'not-found': 'The object, or the API that serves it, does not exist (404).',
  conflict: 'The resourceVersion or a precondition did not hold (409). Nothing was written: read again.',
  'already-exists': 'An object of that name exists (409). Nothing was written.',
  'test-failed': 'A `test` of a JSON patch did not hold, or a path in it does not exist (422). Nothing was written.',
  invalid: 'The API refused the content (400, 405, 406, 413, 415, 422). The same request fails again.',
  forbidden: 'RBAC, quota or an admission policy refuses it (403).',
  unauthorized: 'The credentials are not accepted, also after they were read again (401).',
  gone: 'The resourceVersion or continue token is too old (410): list again.',
  'too-many-requests': 'The API asks to slow down (429). Nothing was done. `retryAfterMs` says how long to wait.',
  unavailable: 'The API cannot answer now (5xx).',
  timeout: 'No answer within the time limit. Nothing was written.',
  aborted: 'The signal of the caller aborted. A write that was on its way may have been done.',
  connection: 'No connection, or it broke. For a write: nothing was sent.',
  'write-outcome-unknown': 'A write was sent and no clear answer came: it may have been done. Read again.',
  'bad-answer': 'The answer is not what the API promises: not JSON, or without the expected fields.',
  'bad-config': 'The kubeconfig, the in-cluster files or an option cannot be used.',
} as const;

/** The code of a failed call to Kubernetes. */
export type KubeErrorCode = keyof typeof kubeErrorCodes;

/** The details of a failure beside its code and sentence. */
export interface KubeErrorDetails extends ErrorOptions {
  /** HTTP status of the answer. */
  readonly status?: number | undefined;
  /** `reason` of the API's Status object: `NotFound`, `Expired`, `FailedScheduling` ... */
  readonly reason?: string | undefined;
  /** How long the API asked to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The error of everything in this package. The message names the verb, the path and what the API said.
 * Match on `code`, never on `instanceof`.
 */
export class KubeError extends CodedError<KubeErrorCode> {
  override readonly name = 'KubeError';
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: KubeErrorCode, message: string, details: KubeErrorDetails = {}) {
    super(code, message, 'cause' in details ? { cause: details.cause } : undefined);
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Whether `error` is a {@link KubeError}, of one of `codes` if any are given. Works across copies of this package. */
export function isKubeError(error: unknown, ...codes: readonly KubeErrorCode[]): error is KubeError {
  if (typeof error !== 'object' || error === null || (error as { name?: unknown }).name !== 'KubeError') return false;
  return codes.length === 0 || codes.includes((error as KubeError).code);
}

/** The error of a call that its deadline ended: `aborted` when the caller gave up, else `timeout`. */
export function deadlineError(deadline: Deadline, what: string): KubeError {
  return deadline.isCallersEnd()
    ? new KubeError('aborted', `${what} was aborted`, { cause: deadline.signal.reason as unknown })
    : new KubeError('timeout', `${what} took longer than ${deadline.limitMs} ms`);
}
