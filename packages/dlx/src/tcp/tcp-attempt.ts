import type { Socket } from 'node:net';
import type { TargetPort } from '@scaler/scaler-types';
import type { Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { listenOnce } from '../sockets/guard.ts';
import { Tunnel } from '../upgrade/tunnel.ts';
import { TunnelAttempt } from '../upgrade/tunnel-attempt.ts';

/** An endpoint that takes bytes and sends none keeps other requests waiting for so long. */
const patienceMs = 1000;

/** The client's side of it. */
interface Client {
  readonly socket: Socket;
  /** Gives away the socket, at a halt, and what goes upstream before all else. */
  release(port: TargetPort): Buffer;
}

/**
 * One raw connection on its way to one endpoint. As soon as a connection stands the two are joined, and from then on
 * nothing is tried again: what it means is theirs.
 */
export class TcpAttempt extends TunnelAttempt {
  readonly #client: Client;

  constructor(x: Exchange, client: Client, way: Way<Exchange>, state: EndpointState) {
    super(x, way, state);
    this.#client = client;
  }

  override dispatch(): void {
    super.dispatch();
    if (this.socket !== undefined) this.x.core.ownEnds.add(this.socket, this);
  }

  silent(forMs: number): void {
    if (this.joined && forMs >= patienceMs) this.leavePlace();
  }

  protected connected(upstream: Socket): void {
    // It left, and 'close' follows.
    if (this.#client.socket.destroyed) {
      this.abort();
      return;
    }
    this.done = true;
    this.joined = true;
    this.sent();
    let heard = false;
    listenOnce(upstream, 'close', this, (hadError: boolean) => {
      if (!heard && hadError) this.state.brokeOff(this.x.core.clock.monotonic(), false);
      this.leavePlace();
    });
    const first = this.#client.release(this.way.port);
    const tunnel = new Tunnel({
      x: this.x,
      client: this.#client.socket,
      upstream,
      key: this.state.key,
      webSocket: false,
      // Half of a conversation must not look like all of it.
      byReset: true,
      idleTimeoutMs: this.limits.idleTimeoutMs,
    });
    tunnel.start(first, Buffer.alloc(0));
    listenOnce(upstream, 'data', this, () => {
      heard = true;
      this.answered();
    });
  }
}
