import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** A request or a connection, which a peer's message belongs to. */
export interface Breakable {
  /**
   * Something threw at what a peer sent: this ends, and nothing else does. Never throws.
   *
   * @param about the event's first argument.
   */
  broke(error: unknown, about?: unknown): void;
}

type Handler<T, A extends unknown[]> = (this: T, ...args: A) => void;

/** A listener that throws nothing. */
export type Guarded = (...args: unknown[]) => void;

/** The most arguments that one of Node's events has. */
type Args = [a?: unknown, b?: unknown, c?: unknown, d?: unknown];

/**
 * Makes a listener of a method. Node checks again, and throws, what its parsers let through; out of a listener that ends the
 * process. Lint sees to it that the data path has no other listeners.
 * See docs/decisions/guarded-listeners.md.
 *
 * @param owner ends if it throws; it is the method's `this`, so that the one closure here is the only one.
 */
export function guard<T extends Breakable, A extends unknown[]>(owner: T, handler: Handler<T, A>): Guarded {
  const run = handler as unknown as Handler<T, Args>;
  return (a, b, c, d) => {
    try {
      run.call(owner, a, b, c, d);
    } catch (error) {
      owner.broke(error, a);
    }
  };
}

/** `emitter.on` with a guard. Returns what `off` takes. */
export function listen<T extends Breakable, A extends unknown[]>(
  emitter: EventEmitter,
  event: string,
  owner: T,
  handler: Handler<T, A>,
): Guarded {
  const guarded = guard(owner, handler);
  emitter.on(event, guarded);
  return guarded;
}

/** `emitter.once` with a guard. Returns what `off` takes. */
export function listenOnce<T extends Breakable, A extends unknown[]>(
  emitter: EventEmitter,
  event: string,
  owner: T,
  handler: Handler<T, A>,
): Guarded {
  const guarded = guard(owner, handler);
  emitter.once(event, guarded);
  return guarded;
}

/** Takes a listener back, if there is one. */
export function unlisten(emitter: EventEmitter, event: string, listener: Guarded | undefined): void {
  if (listener !== undefined) emitter.off(event, listener);
}

/** For emitters whose 'close' is heard as well: an error without a listener would end the process. */
export function ignoreErrors(emitter: EventEmitter): void {
  emitter.on('error', ignore);
}

/** Takes back {@link ignoreErrors}, where another listens from now on. */
export function heedErrors(emitter: EventEmitter): void {
  emitter.off('error', ignore);
}

/** Calls back once the signal aborts, which no peer has to do with. */
export function onAbort(signal: AbortSignal, handler: () => void): void {
  signal.addEventListener('abort', handler, { once: true });
}

/** Puts a method in place of one that Node calls itself. Where it throws the owner ends, and the call answers `otherwise`. */
export function replaceMethod<O extends object, R>(
  object: O,
  name: keyof O & string,
  { owner, method, otherwise }: { owner: Breakable; method: (...args: never[]) => R; otherwise: R },
): void {
  const run = method as unknown as (...args: Args) => R;
  const guarded = (...args: Args): R => {
    try {
      return run(...args);
    } catch (error) {
      owner.broke(error);
      return otherwise;
    }
  };
  (object as Record<string, unknown>)[name] = guarded;
}

function ignore(): void {
  // See ignoreErrors.
}

/**
 * Breaks off a connection by a reset. One whose FIN is just on its way out is closed instead: Node refuses to reset it
 * (`EINVAL`), and then neither closes it nor tells of its end, ever.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
