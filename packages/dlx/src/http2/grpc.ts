import type { Outcome } from '../outcome.ts';

const cancelled = 1;
export const deadlineExceeded = 4;
const unimplemented = 12;
const internal = 13;
export const unavailable = 14;

/**
 * The status that a gRPC client gets, by how its call ended: as gRPC maps our HTTP statuses, but for calls that were sent and
 * got no answer in time. Those may have done their work; `UNAVAILABLE` would let clients send them again.
 */
export const grpcStatuses = {
  forwarded: 0,
  'client-gone': cancelled,
  'wake-timeout': unavailable,
  'wake-failed': unavailable,
  overflow: unavailable,
  'upstream-connect': unavailable,
  'upstream-timeout': deadlineExceeded,
  'upstream-idle': deadlineExceeded,
  'upstream-reset': unavailable,
  draining: unavailable,
  'not-woken': unavailable,
  'no-route': unimplemented,
  'bad-request': internal,
} as const satisfies Record<Outcome, number>;

/** The path that probes call. */
export const healthCheckPath = '/grpc.health.v1.Health/Check';
/** Its answer, `{status: SERVING}`, as one uncompressed message. */
export const servingMessage = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

/** Whether a content type is gRPC's; gRPC-Web, which has its status in its body, is not. */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType?.startsWith('application/grpc') === true && !/^[-\w.]/.test(contentType.slice(16, 17));
}

const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds that a `grpc-timeout` grants; undefined when it is none. */
export function readGrpcTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (unitMs[match[2] as string] as number);
}

/** A `grpc-timeout` of so many milliseconds, in the finest unit that has room for it, and at least one. */
export function writeGrpcTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  return whole < 1e8 ? `${whole}m` : `${Math.ceil(whole / 1000)}S`;
}

/** Text for `grpc-message`: printable ASCII, all else percent-encoded in UTF-8. */
export function grpcMessage(text: string): string {
  return text.replace(/[^ -$&-~]+/gu, (odd) =>
    [...Buffer.from(odd)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
