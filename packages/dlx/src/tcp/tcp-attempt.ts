import type { Socket } from 'node:net';
import type { Attempt } from '../carrier.ts';
import type { Exchange } from '../exchange.ts';
import type { EndpointState } from '../forward/endpoint-state.ts';
import { type Limits, limitsOf } from '../forward/limits.ts';
import type { Connecting, UpstreamUser } from '../forward/upstreams.ts';
import type { Lane } from '../hold/lane.ts';
import { ReleasePlace } from '../hold/release-place.ts';
import { Tunnel } from '../upgrade/tunnel.ts';
import type { TcpCarrier } from './tcp-carrier.ts';

/** An endpoint that takes what it is sent and says nothing keeps others waiting for so long. */
const patienceMs = 1000;

/**
 * One raw connection on its way to one endpoint. As soon as a connection stands the two are joined, and from then on
 * nothing is tried again: what it means is theirs.
 */
export class TcpAttempt implements Attempt, UpstreamUser {
  readonly #x: Exchange;
  readonly #carrier: TcpCarrier;
  readonly #lane: Lane;
  readonly #state: EndpointState;
  readonly #limits: Limits;
  readonly #place: ReleasePlace | undefined;
  #socket: Socket | undefined;
  #done = false;
  joined = false;

  constructor(x: Exchange, carrier: TcpCarrier, lane: Lane, state: EndpointState) {
    this.#x = x;
    this.#carrier = carrier;
    this.#lane = lane;
    this.#state = state;
    this.#limits = limitsOf(lane.gate.resource, x.core.settings);
    this.#place = x.wasHeld ? new ReleasePlace(state.window) : undefined;
  }

  dispatch(): void {
    this.#socket = this.#x.core.upstreams.open(this.#state.endpoint, this, (error, socket) => {
      if (this.#done) return;
      if (socket !== null) this.#join(socket);
      else {
        this.#finish();
        this.#lane.connectFailed(this.#x, this.#state, error);
        this.#lane.pump();
      }
    });
    this.#x.core.ownEnds.add(this.#socket);
  }

  connecting(): Connecting {
    return this.#lane.connecting(this.#state, this.#limits.connectTimeoutMs);
  }

  abort(): void {
    // Once joined, the end of the client's connection is the upstream's.
    if (this.#done) return;
    this.#finish();
    this.#lane.pump();
  }

  silent(forMs: number): void {
    if (this.joined && forMs >= patienceMs) this.#leavePlace();
  }

  #join(upstream: Socket): void {
    // It left, and 'close' follows.
    if (this.#carrier.socket.destroyed) {
      this.#finish();
      this.#lane.pump();
      return;
    }
    const joinedMs = this.#x.core.clock.monotonic();
    this.#done = true;
    this.joined = true;
    this.#lane.connected(this.#state);
    let heard = false;
    upstream.once('close', (hadError) => {
      if (!heard && hadError) this.#state.brokeOff(this.#x.core.clock.monotonic(), false);
      this.#leavePlace();
    });
    const first = this.#carrier.release(this.#lane.port);
    const tunnel = new Tunnel({
      x: this.#x,
      client: this.#carrier.socket,
      upstream,
      key: this.#state.key,
      webSocket: false,
      // Half of what was said must not look like all of it.
      byReset: true,
      idleTimeoutMs: this.#limits.idleTimeoutMs,
    });
    tunnel.start(first, Buffer.alloc(0));
    upstream.once('data', () => {
      heard = true;
      this.#lane.answered(this.#x, this.#state, this.#place, joinedMs);
      this.#lane.pump();
    });
  }

  #leavePlace(): void {
    if (this.#place?.leave() === true) this.#lane.pump();
  }

  #finish(): void {
    this.#done = true;
    this.#socket?.destroy();
    this.#place?.leave();
  }
}
