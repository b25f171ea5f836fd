import { percentile } from '../statistics.ts';

/** The results of one window of load. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** Bytes of the answers, the unfinished ones too. */
  readonly bytes: number;
  /** Requests without an answer, or with one that was not 200. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The results of a window whose bytes do not matter. */
export function loadOf(tookMs: readonly number[], seconds: number, failed: number): Load {
  const [p50Ms, p99Ms] = [percentile(tookMs, 0.5), percentile(tookMs, 0.99)];
  return { requests: tookMs.length, seconds, bytes: 0, failed, p50Ms, p99Ms };
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly request: RequestHead;
}

/** A request as it goes over the wire; `Host` is one of the headers. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function headText({ method, path, headers }: RequestHead): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
