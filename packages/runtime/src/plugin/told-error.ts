import { terminal, isTerminal } from '@scaler/scaler-types';
import { shown } from './complaints.ts';

const longestMessage = 2000;

/**
 * What a scaler threw, as an error that can be read: itself, if it is one. `what` stands before what is none:
 * `the scaler @acme/x: setScale threw`.
 */
export function toldError(thrown: unknown, what: string): Error {
  try {
    if (!(thrown instanceof Error) && typeof (thrown as Error | undefined)?.message !== 'string') {
      return new Error(`${what} ${shown(thrown)}, which is no error`);
    }
    const error = thrown as Error & { code?: unknown };
    const { message, stack, cause, code } = error;
    if (typeof message === 'string' && message.length <= longestMessage && error instanceof Error) return error;
    const copy = Object.assign(new Error(String(message).slice(0, longestMessage), { cause }), {
      ...(typeof code === 'string' && { code: code.slice(0, 80) }),
      ...(typeof stack === 'string' && { stack: stack.slice(0, 2 * longestMessage) }),
    });
    return isTerminal(error) ? terminal(copy) : copy;
  } catch {
    return new Error(`${what} something that cannot be read`);
  }
}
