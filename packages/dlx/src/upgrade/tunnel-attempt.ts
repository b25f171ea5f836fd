import type { Socket } from 'node:net';
import type { Attempt } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { type Limits, limitsOf } from '../endpoints/limits.ts';
import type { Connecting, UpstreamUser } from '../endpoints/upstreams.ts';
import type { Lane } from '../gate/lane.ts';
import { ReleasePlace } from '../endpoints/release-place.ts';

/** One try over a connection of its own, which may be joined to the client's: until then it ends as any other try. */
export abstract class TunnelAttempt implements Attempt, UpstreamUser {
  protected readonly x: Exchange;
  protected readonly lane: Lane;
  protected readonly state: EndpointState;
  protected readonly limits: Limits;
  protected readonly place: ReleasePlace | undefined;
  protected socket: Socket | undefined;
  /** Nothing more is heard from the upstream; joined, the tunnel's end is the request's. */
  protected done = false;
  joined = false;

  constructor(x: Exchange, lane: Lane, state: EndpointState) {
    this.x = x;
    this.lane = lane;
    this.state = state;
    this.limits = limitsOf(lane.gate.resource, x.core.settings);
    this.place = x.wasHeld ? new ReleasePlace(state.window) : undefined;
  }

  /** The connection stands. */
  protected abstract connected(socket: Socket): void;
  abstract silent(forMs: number): void;

  /** Joined, the tunnel is looked at by itself. */
  look(_nowMs: number): void {}

  dispatch(): void {
    this.socket = this.x.core.upstreams.open(this.state.endpoint, this, (error, socket) => {
      if (this.done) return;
      if (socket !== null) this.connected(socket);
      else {
        this.finish();
        this.lane.connectFailed(this.x, this.state, error);
        this.lane.pump();
      }
    });
  }

  connecting(): Connecting {
    return this.lane.connecting(this.state, this.limits.connectTimeoutMs);
  }

  abort(): void {
    // Once joined, the end of the client's connection is the upstream's.
    if (this.done) return;
    this.finish();
    this.lane.pump();
  }

  broke(error: unknown): void {
    this.x.broke(error, this);
    // Joined, it is not the attempt's to end any more.
    this.socket?.destroy();
  }

  protected finish(): void {
    if (this.done) return;
    this.done = true;
    this.socket?.destroy();
    this.place?.leave();
  }
}
