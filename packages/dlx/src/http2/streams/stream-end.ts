import {
  type ClientHttp2Stream,
  constants,
  type Http2Session,
  type Http2Stream,
  type ServerHttp2Stream,
} from 'node:http2';
import { type Breakable, guard, listenOnce } from '../../sockets/guard.ts';

/*
 * Every call into Node's HTTP/2 that ends, resets or closes a stream or a session stands here; lint sees to it. README.md
 * tells what each call does in each state of a stream, and which of them hang.
 *
 * `stream.close(code)` alone is not safe. It ends the stream's own side and books the RST_STREAM, but where a write of that
 * stream completes in between, Node destroys the stream first and forgets the reset. nghttp2 still knows the stream, and asks
 * for its data as soon as the peer's window is open: Node answers "none yet, go on", for ever. The process turns in C++, and
 * each turn adds an empty frame to its memory (Node 22.23, 24.21, 26.10).
 */

/** Ends our side of a request properly. See docs/decisions/ends-of-streams.md. */
export function endUpload(stream: ClientHttp2Stream): void {
  stream.end();
}

/**
 * Ends an answer properly, with what is to be sent last. What still comes of its request is of no use from here on.
 *
 * @param owner ends if a listener throws.
 */
export function endAnswer(stream: ServerHttp2Stream, owner: Breakable, last?: Buffer | string): void {
  stream.end(last);
  if (stream.readableEnded) return;
  listenOnce(stream, 'end', owner, () => dropStream(stream));
  stream.resume();
}

/**
 * Forgets a stream that its peer has reset. A reset that says "no error" Node takes for an end: it waits for what it still
 * has to send, which its peer takes no more, keeps that and the stream for as long as the session lasts, and emits no
 * 'close'.
 */
export function dropStream(stream: Http2Stream): void {
  if (stream.closed && !stream.destroyed) stream.destroy();
}

/**
 * Breaks a stream off, both ways: what its peer has got of it is never taken for the whole. On return nghttp2 has the reset,
 * and nothing of the stream is asked for any more.
 */
export function resetStream(stream: Http2Stream, code: number): void {
  // A stream that its peer reset is gone for nghttp2 already.
  if (stream.destroyed || stream.closed) return;
  // Whatever completes within the call must not destroy the stream before its reset is booked.
  stream.destroy = keep;
  try {
    stream.close(code);
  } finally {
    delete (stream as Partial<Http2Stream>).destroy;
  }
  stream.destroy();
}

/**
 * Lets go of a request whose answer is whole but whose body is not read: the reset says that all is well, and that the client need
 * not send the rest (RFC 9113 §8.1).
 *
 * @param owner ends if that throws.
 */
export function letGoOfStream(stream: ServerHttp2Stream, owner: Breakable): void {
  if (stream.destroyed || stream.closed || stream.readableEnded) return;
  const reset = (): void => resetStream(stream, constants.NGHTTP2_NO_ERROR);
  // The answer's end leaves in a turn of its own; a reset before that would take it back.
  const later = (): void => void setImmediate(guard(owner, reset));
  if (stream.writableFinished) later();
  else listenOnce(stream, 'finish', owner, later);
}

/** Opens no more streams; the session ends with the last of those that it has. */
export function closeSession(session: Http2Session): void {
  session.close();
}

/** Ends a session and whatever is on it. */
export function destroySession(session: Http2Session): void {
  session.destroy();
}

function keep(this: Http2Stream): Http2Stream {
  return this;
}
