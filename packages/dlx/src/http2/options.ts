import type { ServerSessionOptions, ClientSessionOptions } from 'node:http2';

/** What both sides of us take. */
const common = {
  // Fields are passed on as they came; in HTTP/1 two of a kind are no error of ours to find, either.
  strictSingleValueFields: false,
  // Their size is bounded by maxHeaderListSize, at 64 KiB.
  maxHeaderListPairs: 2000,
  // In MB; what waits to be sent in all streams of a connection. Beyond it Node resets those that begin.
  maxSessionMemory: 64,
};

/** Clients: as many streams at once as there may be, and what Node does against those that misuse them. */
export const serverOptions: ServerSessionOptions = {
  ...common,
  settings: { maxConcurrentStreams: 1024 },
  // More resets of streams than these end the connection: opened, cancelled and opened again, they cost us alone.
  streamResetBurst: 1000,
  streamResetRate: 100,
  // So many frames and streams that had to be refused end the connection.
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
};

/** Upstreams. */
export const clientOptions: ClientSessionOptions = { ...common, settings: { enablePush: false } };
