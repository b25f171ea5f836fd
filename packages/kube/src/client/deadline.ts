import type { Deadline } from '@scaler/async';
import { KubeError } from '../errors.ts';

/** The error of a call that its deadline ended: `aborted` when the caller gave up, else `timeout`. */
export function deadlineError(deadline: Deadline, what: string): KubeError {
  return deadline.isCallersEnd()
    ? new KubeError('aborted', `${what} was aborted`, { cause: deadline.signal.reason as unknown })
    : new KubeError('timeout', `${what} took longer than ${deadline.limitMs} ms`);
}
