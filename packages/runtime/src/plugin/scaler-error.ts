import { terminal, isTerminal } from '@scaler/scaler-types';
import { shown } from './problem-log.ts';

const longestMessage = 2000;

/**
 * Turns what a scaler threw into an error that can be read; an error stays itself. `what` begins the message where the
 * thrown value is no error: `the scaler @acme/x: setScale threw`.
 */
export function scalerError(thrown: unknown, what: string): Error {
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
