import type { Exit, RunningContainer } from './container.ts';
import type { ServerContext, ServerImage } from '../image.ts';

// A server that does not heed the abort must not keep its pod for ever.
const killLimitMs = 1_000;

/** Runs a container within this process. */
export function startServerContainer(image: ServerImage, given: Omit<ServerContext, 'signal'>): RunningContainer {
  const killed = new AbortController();
  const starting = Promise.resolve().then(() => image.start({ ...given, signal: killed.signal }));
  const { promise: exited, resolve: exit } = Promise.withResolvers<Exit>();
  let stopping = false;

  const stop = async (): Promise<void> => {
    const server = await starting;
    await server.stop();
  };
  starting.catch((error: unknown) => exit({ exitCode: 1, message: String(error) }));

  return {
    pid: undefined,
    exited,
    terminate() {
      if (stopping) return;
      stopping = true;
      stop().then(
        () => exit({ exitCode: 0 }),
        (error: unknown) => exit({ exitCode: 1, message: String(error) }),
      );
    },
    kill() {
      stopping = true;
      killed.abort(new Error('killed'));
      const limit = setTimeout(end, killLimitMs);
      function end(): void {
        clearTimeout(limit);
        exit({ exitCode: 137, signal: 9 });
      }
      stop().then(end, end);
    },
  };
}
