import type { ServerSessionOptions, ClientSessionOptions } from 'node:http2';
import { mostFields } from '../../head/head.ts';

/** Settings of both of our sides. */
const common = {
  // Fields are passed on as they came; in HTTP/1 two of a kind are no error of ours to find, either.
  strictSingleValueFields: false,
  // Their size is bounded by maxHeaderListSize, at 64 KiB.
  maxHeaderListPairs: mostFields,
  // Of a head that is sent: one that may come, and what is added to it.
  maxSendHeaderBlockLength: 131_072,
  // Node counts what waits to be sent, but never counts back what a stream that was reset still had: a connection with many
  // such streams comes to any limit with nothing waiting, and from then on Node resets each that begins. What waits is
  // bounded by streams instead: none is given more than it takes. In MB.
  maxSessionMemory: 2 ** 30,
  maxSettings: 32,
  maxOutstandingPings: 10,
};

/**
 * At once on a connection. Each may have 64 KiB of its body unread, for Node gives a connection's window back with any read:
 * 32 MiB in all, and clients with more to ask open another.
 */
const mostStreams = 512;

/** Clients: as many streams at once as there may be, and what Node does against those that misuse them. */
export const serverOptions: ServerSessionOptions = {
  ...common,
  settings: { maxConcurrentStreams: mostStreams },
  // More resets of streams than these end the connection: opened, cancelled and opened again, they cost us alone.
  streamResetBurst: 1000,
  streamResetRate: 100,
  // So many frames and streams that had to be refused end the connection.
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
};

/** Upstreams. */
export const clientOptions: ClientSessionOptions = { ...common, settings: { enablePush: false } };
