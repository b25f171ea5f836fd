/** One request, by what it speaks. */
export interface Ask {
  readonly protocol: 'get' | 'post' | 'websocket' | 'grpc' | 'sse';
  readonly url: string;
  /** The Host, where it is not the URL's. */
  readonly host?: string;
  /** Over the connection of that name, which is kept; default: a new one. */
  readonly kept?: string;
  readonly userAgent?: string;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

/** How it ended. */
export interface Answer {
  /** It was answered, with what it had to be answered. */
  readonly ok: boolean;
  readonly status?: number;
  /** The problem; or the answer. */
  readonly text: string;
  /** Until the answer was complete. */
  readonly ms: number;
  /** It went over a connection that stood before. */
  readonly reused: boolean;
}

/** Requests at a steady rate. */
export interface FlowOptions {
  readonly url: string;
  readonly rps: number;
  readonly keepAlive: boolean;
}

/** How they ended. */
export interface FlowReport {
  sent: number;
  ok: number;
  inFlight: number;
  failed: number;
  slowestMs: number;
  /** The first of them. */
  errors: { at: string; text: string }[];
}
