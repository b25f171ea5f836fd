/** An image that is a program: each container of it is a child process on this machine. */
export interface ProcessImage {
  /** Program and arguments; a container's `command` replaces it, its `args` are appended. */
  readonly command: readonly string[];
  /** Environment beside `PATH`, `HOME`, `HOSTNAME`, `POD_IP` and the container's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. Default: this process'. */
  readonly cwd?: string;
}

/** The arguments of an in-process server. */
export interface ServerContext {
  /** As a process' would be: image's, `POD_IP`, `HOSTNAME`, the container's. */
  readonly env: Readonly<Record<string, string>>;
  /** The address it is to listen on. */
  readonly podIP: string;
  /** Aborts where a process would get SIGKILL: every socket is to be dropped at once. */
  readonly signal: AbortSignal;
}

/** An in-process server that runs. */
export interface RunningServer {
  /**
   * Where a process would get SIGTERM: takes no new connections, finishes what is in flight, ends the rest, and
   * resolves when all is gone. Called at most twice: again after `signal` aborted, then it is to resolve promptly.
   */
  stop(): Promise<void>;
}

/** An image that is a function: its containers are servers within this process; quick to start, for many at once. */
export interface ServerImage {
  /** Starts one container. A rejection is a crash. */
  start(context: ServerContext): Promise<RunningServer>;
}

/** The implementation of a container's `image`. */
export type Image = ProcessImage | ServerImage;
