import { AsyncLocalStorage } from 'node:async_hooks';
import net, { type Server, type Socket } from 'node:net';

/**
 * One simulated process: its code is recognised by its async context, so that all its sockets can be taken from
 * it at once (SIGKILL), or be left unread (SIGSTOP). Everything else belongs to this one real process.
 */
export type Sandbox = ReturnType<typeof createSandbox>;

interface State {
  readonly sockets: Set<Socket>;
  readonly servers: Set<Server>;
  dead: boolean;
  frozen: boolean;
}

interface Handle {
  readStart(): number;
  readStop(): number;
}

const storage = new AsyncLocalStorage<State>();
const places = new Map<string, Server>();
/** The addresses that accept connections, as `host:port`. */
export const listening: Pick<ReadonlyMap<string, Server>, 'has'> = places;

let installed = false;

/** Registers every socket of this process with the sandbox that it belongs to. */
export function installSandboxes(note: () => void): void {
  if (installed) return;
  installed = true;
  const { listen, close } = net.Server.prototype;
  const { connect } = net.Socket.prototype;
  net.Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    const state = storage.getStore();
    if (state !== undefined) adopt(this, state);
    return (listen as (...all: unknown[]) => Server).apply(this, args);
  } as typeof listen;
  net.Server.prototype.close = function (this: Server, ...args: unknown[]) {
    for (const [place, server] of places) if (server === this) places.delete(place);
    return (close as (...all: unknown[]) => Server).apply(this, args);
  } as typeof close;
  net.Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    const state = storage.getStore();
    note();
    if (state?.dead === true) {
      process.nextTick(() => this.destroy(new Error('the process is dead')));
      return this;
    }
    if (state !== undefined) own(this, state);
    return (connect as (...all: unknown[]) => Socket).apply(this, args);
  } as typeof connect;
}

function adopt(server: Server, state: State): void {
  state.servers.add(server);
  // Node accepts a connection without an async context: its events are to run in the sandbox of the server. Not by
  // `on`: a server may have an `emit` of its own, which calls no listener.
  const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
  server.emit = (...args: unknown[]) => {
    const [event, socket] = args;
    if (event === 'connection') own(socket as Socket, state);
    if (event === 'listening') note(server);
    if (event !== 'connection' || !state.dead) return storage.run(state, () => emit(...args));
    (socket as Socket).destroy();
    return true;
  };
  server.once('close', () => state.servers.delete(server));
}

function note(server: Server): void {
  const address = server.address();
  if (typeof address === 'object' && address !== null) places.set(`${address.address}:${address.port}`, server);
}

function own(socket: Socket, state: State): void {
  if (state.sockets.has(socket)) return;
  state.sockets.add(socket);
  socket.once('close', () => state.sockets.delete(socket));
}

export function createSandbox() {
  const state: State = { sockets: new Set(), servers: new Set(), dead: false, frozen: false };
  const each = (act: (handle: Handle) => void): void => {
    for (const socket of state.sockets) {
      const handle = (socket as unknown as { _handle: Handle | null })._handle;
      if (handle !== null && handle !== undefined) act(handle);
    }
  };
  return {
    get dead() {
      return state.dead;
    },
    get frozen() {
      return state.frozen;
    },
    /** The error of its wall clock. */
    wrongByMs: 0,
    /** Runs a function in it. */
    run: <T>(work: () => T): T => storage.run(state, work),
    /** As SIGKILL: nothing that it sends arrives any more. */
    kill: (): void => {
      state.dead = true;
      // In the sandbox: code that handles the end of a socket still belongs to the dead process.
      storage.run(state, () => {
        for (const server of state.servers) server.close();
        for (const socket of state.sockets) {
          socket.on('error', () => undefined);
          // Not `resetAndDestroy`, which first waits for pending writes.
          socket.destroy();
        }
      });
    },
    /** As SIGSTOP: it reads nothing. The timeline stops its timers. */
    freeze: (): void => {
      state.frozen = true;
      each((handle) => handle.readStop());
    },
    /** As SIGCONT: it reads again. */
    thaw: (): void => {
      state.frozen = false;
      if (!state.dead) each((handle) => handle.readStart());
    },
  };
}
