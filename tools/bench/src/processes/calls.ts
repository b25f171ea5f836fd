import { type ChildProcess } from 'node:child_process';

interface Call {
  readonly call: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Result {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** The calls that a process answers for its parent, by name. */
export type Calls = Record<string, (...args: never[]) => unknown>;

/** The same calls from the side of the parent: each answers later. */
export type Remote<C extends Calls> = {
  readonly [K in keyof C]: (...args: Parameters<C[K]>) => Promise<Awaited<ReturnType<C[K]>>>;
};

/** Answers the calls of the parent process. */
export function serveCalls(calls: Calls): { close(): void } {
  const answer = async ({ call, name, args }: Call): Promise<void> => {
    let result: Result;
    try {
      result = { call, value: await calls[name]?.(...(args as never[])) };
    } catch (error) {
      result = { call, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    if (process.connected) process.send?.(result);
  };
  const onMessage = (message: unknown): void => void answer(message as Call);
  process.on('message', onMessage);
  return { close: () => void process.off('message', onMessage) };
}

/** Calls into a child process. A call rejects when the child reports an error or ends. */
export function callsOf<C extends Calls>(child: ChildProcess): Remote<C> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  child.on('message', (message: Result) => {
    const { call, value, error } = message;
    if (error === undefined) waiting.get(call)?.resolve(value);
    else waiting.get(call)?.reject(new Error(error));
    waiting.delete(call);
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`process ${child.pid} ended: ${signal ?? code}`));
    waiting.clear();
  });
  const make =
    (name: string) =>
    (...args: unknown[]): Promise<unknown> => {
      const call = ++count;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(call, answer);
      child.send({ call, name, args } satisfies Call, (error) => {
        if (error && waiting.delete(call)) answer.reject(error);
      });
      return answer.promise;
    };
  return new Proxy({} as Remote<C>, {
    // Not a thenable: a promise may resolve to it.
    get: (_target, name) => (typeof name === 'string' && name !== 'then' ? make(name) : undefined),
  });
}
