import type { Socket } from 'node:net';
import type { Endpoint } from '@scaler/scaler-types';
import { until } from './harness.ts';
import { startTcp } from './upstream.ts';

/** One end of a raw connection, and what it heard. */
export interface End {
  readonly socket: Socket;
  /** In latin1. */
  heard(): string;
  hears(text: string): Promise<void>;
  /** `end` for a FIN, `reset` for a reset, `close` once it is closed. */
  readonly events: string[];
  saw(event: string): Promise<void>;
}

export function endOf(socket: Socket): End {
  socket.allowHalfOpen = true;
  let heard = '';
  const events: string[] = [];
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  socket.on('end', () => events.push('end'));
  socket.on('error', ({ code }: NodeJS.ErrnoException) => events.push(code === 'ECONNRESET' ? 'reset' : String(code)));
  socket.on('close', () => events.push('close'));
  return {
    socket,
    heard: () => heard,
    hears: (text) => until(() => heard.includes(text), `hear "${text}" in "${heard}"`),
    events,
    saw: (event) => until(() => events.includes(event), `see ${event} after ${events.join(', ')}`),
  };
}

/** An app that reads heads and leaves all else to the test. */
export interface RawApp {
  readonly endpoint: Endpoint;
  /** Its connections, in order. */
  readonly ends: End[];
  /** The connection of that number, once its first head has come. */
  head(index: number): Promise<End>;
}

export async function startRawApp(): Promise<RawApp> {
  const ends: End[] = [];
  const { endpoint } = await startTcp((socket) => ends.push(endOf(socket)), 0, true);
  return {
    endpoint,
    ends,
    async head(index) {
      await until(() => ends[index]?.heard().includes('\r\n\r\n') === true, 'a head comes');
      return ends[index] as End;
    },
  };
}
