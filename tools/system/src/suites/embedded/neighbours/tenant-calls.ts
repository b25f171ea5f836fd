import type { Answer } from '../../../harness/ask.ts';

/** What the trial asks of the process in which the tenants' clients and apps run. */
export interface TenantCalls {
  /** Starts an app; resolves when it listens. */
  start(app: { readonly pod: string; readonly podIP: string; readonly env: Readonly<Record<string, string>> }): void;
  /** As a SIGTERM would; resolves when all of it is gone. */
  stop(app: { readonly pod: string }): void;
  /** As a SIGKILL would. */
  kill(app: { readonly pod: string }): void;
  /** Sends one request to an address, `host:port`, over a connection of its own. */
  ask(request: TenantRequest): Answer;
  /** How late its event loop was since it was last asked, in milliseconds. */
  lateness(none: null): Lateness;
}

export interface TenantRequest {
  readonly address: string;
  readonly path: string;
  readonly host: string;
  readonly timeoutMs: number;
}

export interface Lateness {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** One call, answered once by a {@link TenantReply} of the same number. */
export interface TenantCall {
  readonly id: number;
  readonly name: keyof TenantCalls;
  readonly argument: unknown;
}

export interface TenantReply {
  readonly id: number;
  readonly value?: unknown;
  /** Why there is none. */
  readonly error?: string;
}
