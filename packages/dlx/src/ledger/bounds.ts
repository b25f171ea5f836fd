import { type Head, hasBody } from '../head/head.ts';

/** The held requests of one resource or of all. */
export interface Load {
  /** Requests. */
  held: number;
  heldBytes: number;
}

/** How much may wait in all. */
export interface Bounds {
  readonly holdLimitTotal: number;
  readonly holdBytesTotal: number;
}

/** A connection with its buffers, the request's and the answer's records (measured: 13 KB). */
const connectionBytes = 16_384;
/**
 * On its way, with the connection to its endpoint, which is its alone in HTTP/1 (measured: 13 KB in use, beside its own
 * connection; 28 KB as the process's size, with what V8 and the sockets take for them).
 */
const inFlightBytes = 24_576;
/** The records alone, of a request that is pipelined behind another (measured: 1.6 KB). */
const recordBytes = 2048;
const windowBytes = 65_536;
/** Node stops reading a body once 64 KiB of it wait; the read that brought it there may have brought as much again. */
const bodyBytes = 131_072;

/** A request in HTTP; a raw connection has no head. */
interface Asked {
  readonly head: Head;
  readonly url: string;
}

/** The bytes that a held request is counted as: its connection, its head, and what Node may have read of its body. */
export function heldBytesOf(asked: Asked | undefined): number {
  return connectionBytes + headBytesOf(asked) + bodyBytesOf(asked?.head);
}

/** The bytes that a request is counted as that waits in its connection behind another. */
export function pipelinedBytesOf(asked: Asked): number {
  return recordBytes + headBytesOf(asked) + bodyBytesOf(asked.head);
}

/**
 * Why no more may wait; undefined: one more may. No resource takes more than is still free, so one alone gets half of
 * all, two a third each, and another still finds room beside any number of noisy ones.
 *
 * @param own what waits already of the resource that asks.
 * @param others all that waits, `own` included.
 */
export function overflowOf(own: Load, others: readonly Load[], bytes: number, bounds: Bounds): string | undefined {
  let freeHeld = bounds.holdLimitTotal;
  let freeBytes = bounds.holdBytesTotal;
  for (const { held, heldBytes } of others) {
    freeHeld -= held;
    freeBytes -= heldBytes;
  }
  if (freeHeld < 1) return `${bounds.holdLimitTotal} requests are held already`;
  if (own.held >= freeHeld) return `holds its share already: ${own.held} requests, with ${freeHeld} left for all`;
  if (freeBytes < bytes) return `${bounds.holdBytesTotal - freeBytes} bytes are held already`;
  if (own.heldBytes + bytes > freeBytes) {
    return `holds its share already: ${own.heldBytes} bytes, with ${freeBytes} left for all`;
  }
  return undefined;
}

/** The bytes that a request on its way is counted as, beside those that wait to be taken. */
export function inFlightBytesOf(asked: Asked | undefined): number {
  return inFlightBytes + headBytesOf(asked);
}

/** Bytes that may be read of a request's body before the next look counts them: a window in HTTP/2. */
export function bodyAheadOf(head: Head | undefined): number {
  return head !== undefined && hasBody(head) ? Math.min(windowBytes, Number(head.contentLength ?? windowBytes)) : 0;
}

function headBytesOf(asked: Asked | undefined): number {
  return asked === undefined ? 0 : asked.head.bytes + asked.url.length;
}

function bodyBytesOf(head: Head | undefined): number {
  if (head === undefined || !hasBody(head)) return 0;
  return Math.min(bodyBytes, Number(head.contentLength ?? bodyBytes));
}
