/** The end of a container. */
export interface Exit {
  readonly exitCode: number;
  /** The signal's number where one ended it. */
  readonly signal?: number;
  /** The end of its output. */
  readonly message?: string;
}

/** A container that was started. */
export interface RunningContainer {
  /** The pid of a process; `undefined` for an in-process server. */
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly exited: Promise<Exit>;
  /** Sends SIGTERM, or its counterpart in a server. */
  terminate(): void;
  /** Sends SIGKILL, or its counterpart in a server. */
  kill(): void;
}
