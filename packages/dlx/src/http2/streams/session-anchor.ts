import type { Http2Session, Http2Stream } from 'node:http2';
import { type Breakable, ignoreErrors, listenOnce } from '../../sockets/guard.ts';

/*
 * Node counts the memory of the fields that a session reads. Where a part of it is still in use when the session is
 * collected, Node ends the process (`current_nghttp2_memory_ == 0`). Fields of a block that is not whole, or is
 * malformed, stay with their stream. A stream that is destroyed while something of it is on its way into the socket is
 * left to the garbage collector; where that finds the stream and its session at the same time, it may free the session
 * first.
 *
 * A peer comes to that by half a block of trailers, and by taking nothing of its answer until the stream is given up.
 *
 * Here a session outlives its streams: each stream holds the anchor of its session, and the native half of the session
 * is held until a collection has found the anchor unreachable. A later collection frees the session.
 */

const held = new FinalizationRegistry<object>((native) => {
  // Node frees other streams in the turn that destroyed them, before this.
  setImmediate(keep, native);
});

const anchor = Symbol('anchor');

/** The object that a session's user and its streams hold. */
export class SessionAnchor {
  /** @param owner has the anchor. What leads from the session to it is taken back when the session is closed. */
  constructor(session: Http2Session, owner: Breakable) {
    const native = nativeHalf(session);
    if (native === undefined) return;
    held.register(this, native);
    listenOnce(session, 'close', owner, () => {
      // The native half leads to the session and what listens to it: a way to the anchor would keep all of them for ever.
      session.removeAllListeners();
      ignoreErrors(session);
    });
  }

  /** To be called with each stream of the session, before anything of it is sent. */
  hold(stream: Http2Stream): void {
    (stream as Http2Stream & { [anchor]?: SessionAnchor })[anchor] = this;
  }
}

/** The handle of Node's own session. Undefined: it is gone, or this version of Node has it elsewhere. */
export function nativeHalf(session: Http2Session): object | undefined {
  const key = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'kHandle');
  const native = key === undefined ? undefined : (session as unknown as Record<symbol, unknown>)[key];
  return typeof native === 'object' && native !== null ? native : undefined;
}

/** It is kept by being given. */
function keep(native: object): object {
  return native;
}
