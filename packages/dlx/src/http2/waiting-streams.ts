import type { ClientHttp2Stream } from 'node:http2';
import type { Exchange } from '../exchange/exchange.ts';
import { Waiting } from '../ledger/waiting.ts';
import type { ClientStream } from './client-stream.ts';
import { chunksOf } from './streams/stream-chunks.ts';

/** Bytes that wait keep the reads that they came with, one of each side. */
const readBytes = 131_072;

/** A request's two streams, ours last. */
interface Streams {
  readonly x: Exchange;
  readonly client: ClientStream;
  readonly up: ClientHttp2Stream;
}

/**
 * Counts what one side has sent and the other not taken, for so long now. `refuse` ends the request where it is the endpoint
 * that takes nothing.
 */
export function countWaiting({ x, client, up }: Streams, forMs: number, refuse: () => void): void {
  const bytes = chunksOf(up).bytes + up.writableLength + client.waitingBytes;
  x.buffers((bytes === 0 ? 0 : bytes + readBytes) + client.bodyAhead);
  if (bytes === 0) return;
  const end = (): void => (up.isPaused() ? client.cancel(x) : refuse());
  new Waiting(x).stands({ bytes, end }, forMs);
}
