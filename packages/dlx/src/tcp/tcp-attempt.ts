import type { Socket } from 'node:net';
import type { Exchange } from '../exchange/exchange.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { listenOnce } from '../sockets/guard.ts';
import type { Lane } from '../gate/lane.ts';
import { Tunnel } from '../upgrade/tunnel.ts';
import { TunnelAttempt } from '../upgrade/tunnel-attempt.ts';
import type { TcpCarrier } from './tcp-carrier.ts';

/** An endpoint that takes what it is sent and says nothing keeps others waiting for so long. */
const patienceMs = 1000;

/**
 * One raw connection on its way to one endpoint. As soon as a connection stands the two are joined, and from then on
 * nothing is tried again: what it means is theirs.
 */
export class TcpAttempt extends TunnelAttempt {
  readonly #carrier: TcpCarrier;

  constructor(x: Exchange, carrier: TcpCarrier, lane: Lane, state: EndpointState) {
    super(x, lane, state);
    this.#carrier = carrier;
  }

  override dispatch(): void {
    super.dispatch();
    if (this.socket !== undefined) this.x.core.ownEnds.add(this.socket, this);
  }

  silent(forMs: number): void {
    if (this.joined && forMs >= patienceMs) this.#leavePlace();
  }

  protected connected(upstream: Socket): void {
    // It left, and 'close' follows.
    if (this.#carrier.socket.destroyed) {
      this.finish();
      this.lane.pump();
      return;
    }
    const joinedMs = this.x.core.clock.monotonic();
    this.done = true;
    this.joined = true;
    this.lane.connected(this.state);
    let heard = false;
    listenOnce(upstream, 'close', this, (hadError: boolean) => {
      if (!heard && hadError) this.state.brokeOff(this.x.core.clock.monotonic(), false);
      this.#leavePlace();
    });
    const first = this.#carrier.release(this.lane.port);
    const tunnel = new Tunnel({
      x: this.x,
      client: this.#carrier.socket,
      upstream,
      key: this.state.key,
      webSocket: false,
      // Half of what was said must not look like all of it.
      byReset: true,
      idleTimeoutMs: this.limits.idleTimeoutMs,
    });
    tunnel.start(first, Buffer.alloc(0));
    listenOnce(upstream, 'data', this, () => {
      heard = true;
      this.lane.answered(this.x, this.state, this.place, joinedMs);
      this.lane.pump();
    });
  }

  #leavePlace(): void {
    if (this.place?.leave() === true) this.lane.pump();
  }
}
