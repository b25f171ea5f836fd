import type { Socket } from 'node:net';
import type { Exchange } from '../exchange/exchange.ts';
import type { Breakable } from '../sockets/guard.ts';
import type { Refusal } from '../outcome.ts';

/** Takes each request that a connection admits. */
export type Handle = (x: Exchange) => void;

/** A client's connection, whatever it speaks. */
export interface ClientConnection extends Breakable {
  readonly socket: Socket;
  /** Nothing is under way on it. */
  readonly isIdle: boolean;
  /** Milliseconds without a byte, where nothing else looks at that. */
  silentForMs(nowMs: number): number;
  /**
   * Bytes that wait with nothing under way: of a head that is not whole, or of an answer that is not taken; ask at
   * each look.
   */
  waitingBytes(): number;
  /** Asks the client to go elsewhere with what comes next. */
  leave(): void;
  /** Ends what is under way. */
  refuse(refusal: Refusal): void;
  /** Ends it, with nothing under way. */
  end(): void;
  /** Its socket closed. */
  closed(): void;
}
