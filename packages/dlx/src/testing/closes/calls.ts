import { constants, type Http2Session, type Http2Stream, type ServerHttp2Stream } from 'node:http2';
import type { Breakable } from '../../sockets/guard.ts';
import {
  closeSession,
  destroySession,
  dropStream,
  endAnswer,
  endUpload,
  letGoOfStream,
  resetStream,
} from '../../http2/streams/stream-end.ts';

/** Which end of Node's HTTP/2: a request's stream to an endpoint, or one from a client. */
export const sides = ['upstream', 'client'] as const;
export type Side = (typeof sides)[number];

/** Where a stream stands when it is ended. Its own data is unsent in all but the last. */
export const states = ['before the head', 'under way', 'window shut', 'trailers awaited'] as const;
export type State = (typeof states)[number];

/** Within an event of the same session, or in a turn of its own. */
export const moments = ['inside', 'later'] as const;
export type Moment = (typeof moments)[number];

export interface Call {
  /** As it stands in the table. */
  readonly name: string;
  /** Whether the product makes it. */
  readonly ours: boolean;
  readonly side?: Side;
  /** The next try needs a new session. */
  readonly endsSession?: boolean;
  run(stream: Http2Stream, session: Http2Session): void;
}

const owner: Breakable = {
  broke(error) {
    throw error;
  },
};
const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

/** Every call that ends, resets or closes. */
export const calls: readonly Call[] = [
  { name: 'stream.close(CANCEL)', ours: false, run: (stream) => stream.close(NGHTTP2_CANCEL) },
  { name: 'stream.close(INTERNAL_ERROR)', ours: false, run: (stream) => stream.close(NGHTTP2_INTERNAL_ERROR) },
  { name: 'stream.close(NO_ERROR)', ours: false, run: (stream) => stream.close(NGHTTP2_NO_ERROR) },
  { name: 'stream.destroy()', ours: false, run: (stream) => void stream.destroy() },
  { name: 'stream.destroy(error)', ours: false, run: (stream) => void stream.destroy(new Error('broken off')) },
  { name: 'stream.end()', ours: false, run: (stream) => void stream.end() },
  { name: 'session.close()', ours: false, endsSession: true, run: (_stream, session) => session.close() },
  { name: 'session.destroy()', ours: false, endsSession: true, run: (_stream, session) => session.destroy() },
  {
    name: 'session.destroy(error)',
    ours: false,
    endsSession: true,
    run: (_s, session) => session.destroy(new Error('x')),
  },
  { name: 'session.goaway()', ours: false, endsSession: true, run: (_stream, session) => session.goaway() },
  { name: 'resetStream(CANCEL)', ours: true, run: (stream) => resetStream(stream, NGHTTP2_CANCEL) },
  { name: 'resetStream(INTERNAL_ERROR)', ours: true, run: (stream) => resetStream(stream, NGHTTP2_INTERNAL_ERROR) },
  { name: 'resetStream(NO_ERROR)', ours: true, run: (stream) => resetStream(stream, NGHTTP2_NO_ERROR) },
  { name: 'dropStream', ours: true, run: (stream) => dropStream(stream) },
  { name: 'endUpload', ours: true, side: 'upstream', run: (stream) => endUpload(stream as never) },
  { name: 'endAnswer', ours: true, side: 'client', run: (stream) => endAnswer(stream as ServerHttp2Stream, owner) },
  {
    name: 'letGoOfStream',
    ours: true,
    side: 'client',
    run: (stream) => letGoOfStream(stream as ServerHttp2Stream, owner),
  },
  { name: 'closeSession', ours: true, endsSession: true, run: (_stream, session) => closeSession(session) },
  { name: 'destroySession', ours: true, endsSession: true, run: (_stream, session) => destroySession(session) },
];
