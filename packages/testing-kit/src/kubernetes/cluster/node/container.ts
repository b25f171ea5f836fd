/** How a container ended. */
export interface Exit {
  readonly exitCode: number;
  /** The signal's number where one ended it. */
  readonly signal?: number;
  /** The last of what it wrote. */
  readonly message?: string;
}

/** A container that was started. */
export interface RunningContainer {
  /** Of a process; `undefined` for an in-process server. */
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly exited: Promise<Exit>;
  /** SIGTERM, or what stands for it. */
  terminate(): void;
  /** SIGKILL, or what stands for it. */
  kill(): void;
}
