import type { Socket } from 'node:net';
import type { UpstreamUser } from '../endpoints/upstreams.ts';
import { BaseAttempt } from '../exchange/attempt.ts';

/** One try over a connection of its own, which may be joined to the client's: until then it ends as any other try. */
export abstract class TunnelAttempt extends BaseAttempt implements UpstreamUser {
  protected socket: Socket | undefined;
  /** From here on the tunnel's end is the request's. */
  joined = false;

  /** The connection stands. */
  protected abstract connected(socket: Socket): void;
  abstract silent(forMs: number): void;

  /** Joined, the tunnel is looked at by itself. */
  look(_nowMs: number): void {}

  dispatch(): void {
    this.socket = this.x.core.upstreams.open(this.state.endpoint, this, (error, socket) => {
      if (this.done) return;
      if (socket !== null) this.connected(socket);
      else this.fail(error, () => this.way.connectFailed(this.x, this.state, error));
    });
  }

  override broke(error: unknown): void {
    super.broke(error);
    // Joined, it is not the attempt's to end any more.
    this.socket?.destroy();
  }

  protected drop(): void {
    this.socket?.destroy();
  }

  protected letGo(): void {
    this.socket?.destroy();
  }
}
