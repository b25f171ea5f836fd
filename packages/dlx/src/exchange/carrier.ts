import type { Exchange } from './exchange.ts';
import type { Breakable } from '../sockets/guard.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Head } from '../head/head.ts';
import type { Lane } from '../gate/lane.ts';
import type { Refusal } from '../outcome.ts';

/** Where requests come from: a connection, whatever it speaks. */
export interface Channel {
  /** The port it came in on. */
  readonly port: number;
  /** Whether that port is one target's own. */
  readonly ownPort: boolean;
  readonly remoteAddress: string | undefined;
  /** What the ledger counts for it beside its requests, where it carries one at a time. */
  readonly connectionBytes: number;
  /** A request has its outcome. */
  done(x: Exchange): void;
}

/** One try to have one request answered by one endpoint. */
export interface Attempt extends Breakable {
  dispatch(): void;
  /** The client's connection is joined to the upstream's: what becomes of it is not the end of the request yet. */
  readonly joined?: boolean;
  /** The request has its outcome: the upstream is to hear no more of it. */
  abort(): void;
}

/** One request's way in and its answer's way out, in the protocol that its client speaks. */
export interface Carrier {
  readonly method: string;
  /** As it came; `/…` in all but odd requests. */
  readonly url: string;
  readonly head: Head;
  /** What the protocol lets through and must not pass. Sets the exchange's path. */
  check(x: Exchange): Refusal | undefined;
  /** The values of some fields, by their lower-case names, in one pass. */
  fields(names: ReadonlySet<string>): ReadonlyMap<string, string>;
  /** Whether the head of an answer is on its way, so that another can no longer be given. */
  readonly answering: boolean;
  /** Writes an answer of our own, whole. `last`: nothing more is taken on its connection. */
  answer(
    x: Exchange,
    answer: { status: number; fields: string[]; body: Buffer | undefined; last: boolean; refusal?: Refusal },
  ): void;
  /** Breaks off an answer so that its client notices. */
  reset(refusal: Refusal): void;
  attempt(x: Exchange, lane: Lane, state: EndpointState): Attempt;
}
