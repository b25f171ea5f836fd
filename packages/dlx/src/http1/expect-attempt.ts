import type { ClientRequest } from 'node:http';
import { WrittenChunks } from '../chunks/chunks.ts';
import { causeText } from '../outcome.ts';
import { listen } from '../sockets/guard.ts';
import { LoneAttempt, type LoneClient } from './lone-attempt.ts';
import { RequestBody } from './raw-message.ts';

/**
 * A request with `Expect: 100-continue`, which the endpoint is asked: it alone knows whether it wants the body (RFC 9110
 * §10.1.1). The body follows as the client sends it: after the endpoint's 100, or before, for a client need not wait.
 */
export class ExpectAttempt extends LoneAttempt<LoneClient> {
  #body: RequestBody | undefined;

  protected fields(): string[] {
    const { contentLength } = this.client.head;
    const framing = contentLength === undefined ? ['transfer-encoding', 'chunked'] : [];
    return ['expect', '100-continue', ...framing];
  }

  protected send(req: ClientRequest): void {
    const body = (this.#body = new RequestBody(this.client.req, this));
    const written = WrittenChunks.to(req, this, () => void body.resume());
    listen(body, 'data', this, (chunk: Buffer) => {
      if (!written.write(chunk)) body.pause();
    });
    listen(body, 'end', this, () => {
      written.flush();
      req.end();
    });
    // Node keeps the head back until something is written.
    req.flushHeaders();
  }

  protected override waitsForClient(): boolean {
    return super.waitsForClient() || (this.#body?.touched === true && this.#body.waits);
  }

  protected override unsentBytes(): number {
    const unsent = this.socket?.writableLength ?? 0;
    return unsent === 0 ? 0 : unsent + (this.#body?.readableLength ?? 0) + this.client.req.unreadBytes;
  }

  protected override drop(): void {
    this.#body?.destroy();
    super.drop();
  }

  /** It has its answer: what the client still sends of its body is thrown away. */
  protected override letGo(): void {
    this.#body?.destroy();
    this.client.req.resume();
    super.letGo();
  }

  /** Nothing of the body was there to be sent: the head goes with it to another endpoint. */
  protected brokeOff(error: Error): void {
    this.fail(error, () => {
      if (this.#body?.touched === false) this.way.replay(this.x, this.state, error);
      else this.x.refuse({ outcome: 'upstream-reset', detail: `${this.state.key}: ${causeText(error)}` });
    });
  }
}
