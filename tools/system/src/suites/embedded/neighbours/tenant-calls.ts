import type { Answer } from '../../../harness/ask.ts';

/** The calls of the trial to the process in which the tenants' clients and apps run. */
export interface TenantCalls {
  /** Starts an app; resolves when it listens. */
  start(app: { readonly pod: string; readonly podIP: string; readonly env: Readonly<Record<string, string>> }): void;
  /** Stops an app as SIGTERM does; resolves when it has ended. */
  stop(app: { readonly pod: string }): void;
  /** Stops an app as SIGKILL does. */
  kill(app: { readonly pod: string }): void;
  /** Sends one request to an address, `host:port`, over a connection of its own. */
  ask(request: TenantRequest): Answer;
  /** The lag of its event loop since the last call, in milliseconds. */
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
  /** The error, where there is no result. */
  readonly error?: string;
}
