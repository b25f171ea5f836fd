import { errorCode } from '@scaler/scaler-types';
import type { Dispatcher } from 'undici';
import { joinedBytes, WrittenChunks } from '../chunks/chunks.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { learnFrom } from '../endpoints/keep-alive.ts';
import { type Http1User, sendBy, type Upstream } from '../endpoints/upstreams.ts';
import { BaseAttempt } from '../exchange/attempt.ts';
import type { Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { hasBody } from '../head/head.ts';
import { Informed, leavesOut, tooManyInformed, writeInformation } from '../head/informed.ts';
import { isPlainHead, MendedHead } from '../head/mended-head.ts';
import { fitFields, readPlainHead, readResponseHead, readTrailers, reasonPhrase } from '../head/response-head.ts';
import { tookNothing, Waiting } from '../ledger/stalls.ts';
import { causeText } from '../outcome.ts';
import type { LoneClient } from './lone-attempt.ts';
import { type RawResponse, readAhead, RequestBody, untakenOf } from './raw-message.ts';

/** A client's side of a try by undici. */
interface Http1Client extends LoneClient {
  readonly res: RawResponse;
  /** Whether Node may have something to add to the head of an answer that has `Date` and `Content-Length`. */
  addsToHead(status: number): boolean;
}

let unflushed: Http1Attempt[] = [];

/**
 * At the end of this turn of the event loop, for all answers that began in it: most bodies come along with their head;
 * a stream that is silent at first must not keep it back.
 */
function flushLater(attempt: Http1Attempt): void {
  if (unflushed.push(attempt) === 1) setImmediate(flushHeads);
}

function flushHeads(): void {
  const attempts = unflushed;
  unflushed = [];
  for (const attempt of attempts) attempt.flushHead();
}

type Controller = Dispatcher.DispatchController;

/** One request on its way to one endpoint and back: undici's handler, one object per try and nothing else. */
export class Http1Attempt extends BaseAttempt implements Http1User, Dispatcher.DispatchHandler {
  readonly #client: Http1Client;
  #upstream: Upstream | undefined;
  #body: RequestBody | undefined;
  #controller: Controller | undefined;
  /** A byte of an answer came. */
  #answering = false;
  /** The answer itself has begun, beyond its 1xx. */
  #begun = false;
  #contentLength: number | undefined;
  /** The fields that `Connection` named in the answer's head. */
  #nominated: ReadonlySet<string> | undefined;
  #passed = 0;
  /** The head of the answer was read. */
  #headCame = false;
  /** It has something to mend. */
  #mended: MendedHead | undefined;
  #informed: Informed | undefined;
  #waiting: Waiting | undefined;
  #written: WrittenChunks | undefined;

  constructor(x: Exchange, client: Http1Client, way: Way<Exchange>, state: EndpointState) {
    super(x, way, state);
    this.#client = client;
  }

  dispatch(): void {
    const { head, path } = this.#client;
    if (hasBody(head)) this.#body = new RequestBody(this.#client.req, this);
    this.#upstream = this.x.core.upstreams.acquire(this.state, this);
    const method = this.#client.method as Dispatcher.HttpMethod;
    sendBy(this.#upstream, { path, method, headers: head.fields, body: this.#body ?? null }, this);
  }

  get repeatable(): boolean {
    return this.#body === undefined && this.mayRepeat(this.#client.method);
  }

  silent(forMs: number): void {
    if (this.done || !this.isSent) return;
    const { responseTimeoutMs, idleTimeoutMs } = this.limits;
    const clients = this.#controller?.paused === true || this.#body?.waits === true;
    const limitMs = this.#begun || clients ? idleTimeoutMs : responseTimeoutMs;
    if (limitMs === 0 || forMs <= limitMs) return;
    if (clients) {
      // It neither sends nor takes.
      this.#client.req.socket.destroy();
      return;
    }
    this.refuse(this.#begun ? 'upstream-idle' : 'upstream-timeout', `was silent for ${Math.round(forMs)} ms`);
  }

  mend(chunk: Buffer): Buffer {
    if (this.#headCame) return chunk;
    if (this.#mended === undefined && isPlainHead(chunk)) {
      this.#headCame = true;
      return chunk;
    }
    this.onResponseStarted();
    this.#mended ??= new MendedHead(() => this.#continued());
    const mended = this.#mended.take(chunk);
    this.#headCame = this.#mended.isWhole;
    return mended;
  }

  look(nowMs: number): void {
    if (this.done || !this.isSent) return;
    const paused = this.#controller?.paused === true;
    // Nearly always nothing waits.
    if (!paused && this.#body === undefined && this.#waiting === undefined) return;
    this.#waiting ??= new Waiting(this.x);
    const parts = { req: this.#client.req, up: this.#upstream?.socket, body: this.#body, paused };
    const untaken = untakenOf(parts, (client) => this.#endStalled(client));
    this.#waiting.look(untaken, nowMs);
  }

  protected drop(reason: Error): void {
    this.#body?.destroy();
    this.#controller?.abort(reason);
    if (this.#upstream !== undefined) this.x.core.upstreams.discard(this.#upstream, reason);
  }

  protected letGo(): void {
    if (this.#upstream !== undefined) this.x.core.upstreams.release(this.#upstream);
  }

  onRequestStart(controller: Controller): void {
    try {
      this.#controller = controller;
      if (this.done) {
        controller.abort(new Error('the client left'));
        return;
      }
      this.sent();
    } catch (error) {
      this.broke(error);
    }
  }

  onResponseStarted(): void {
    this.#answering = true;
    this.#begun = true;
  }

  onResponseStart(controller: Controller, status: number, _headers: unknown, phrase?: string): void {
    if (this.done) return;
    try {
      if (status < 100 || status === 101) {
        this.#failed(new Error(`answered with status ${status}, which is no final answer`));
        return;
      }
      const raw = (controller.rawHeaders ?? []) as (Buffer | string)[];
      if (status < 200) {
        this.#begun = false;
        this.#inform(status, raw);
        return;
      }
      this.answered();
      if (this.#upstream !== undefined) learnFrom(this.#upstream, raw);
      const { res, req } = this.#client;
      // With a body still to come the close would reset the connection before the answer was read.
      if (this.x.closesConnection() && (this.#body === undefined || req.complete)) res.shouldKeepAlive = false;
      this.#writeHead(status, reasonPhrase(status, phrase), raw);
    } catch (error) {
      this.broke(error);
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.done) return;
    try {
      const { res } = this.#client;
      this.#passed += chunk.length;
      if (this.#passed === this.#contentLength) {
        this.#written?.flush();
        // The end in the same write; and a small body as text, which Node joins with the head into one.
        if (chunk.length <= joinedBytes) res.end(chunk.toString('latin1'), 'latin1');
        else res.end(chunk);
        return;
      }
      this.#written ??= WrittenChunks.to(res, this, this.#resume);
      if (this.#written.write(chunk)) return;
      controller.pause();
      this.#waiting ??= new Waiting(this.x);
      this.x.buffers(this.#client.req.socket.writableLength + readAhead);
    } catch (error) {
      this.broke(error);
    }
  }

  onResponseEnd(controller: Controller): void {
    if (this.done) return;
    try {
      // undici takes a reset for the end of an answer without a length.
      const broken = this.#contentLength === undefined ? this.#upstream?.socket?.errored : null;
      if (broken) {
        this.#failed(broken);
        return;
      }
      const { res } = this.#client;
      if (!res.writableEnded) {
        this.#written?.flush();
        const trailers = (controller.rawTrailers ?? []) as (Buffer | string)[];
        if (trailers.length > 0) res.addTrailers(readTrailers(trailers, this.#nominated));
        res.end();
      }
      this.complete(res.statusCode);
    } catch (error) {
      this.broke(error);
    }
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    try {
      this.#failed(error);
    } catch (second) {
      this.broke(second);
    }
  }

  flushHead(): void {
    if (this.done || this.#passed > 0) return;
    try {
      this.#client.res.flushHeaders();
    } catch (error) {
      this.broke(error);
    }
  }

  #resume(): void {
    this.#controller?.resume();
  }

  #failed(error: Error): void {
    this.fail(error, () => {
      if (this.isSent) this.#brokeOff(error);
      else this.#notSent(error);
    });
  }

  #notSent(error: Error): void {
    const code = errorCode(error);
    const bad = code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED';
    if (bad) this.x.refuse({ outcome: 'bad-request', detail: error.message });
    else this.way.connectFailed(this.x, this.state, error);
  }

  #brokeOff(error: Error): void {
    const { x, way, state } = this;
    const nowMs = x.core.clock.monotonic();
    // An idle connection may have been closed just as we wrote: that is no failure of the endpoint.
    if (this.#answering || this.#upstream?.served !== true) state.brokeOff(nowMs, this.#answering);
    else this.#upstream.keepAlive.brokeOff(this.#upstream.idleMs, nowMs);
    if (!this.#answering && this.#body?.touched === false) way.replay(x, state, error);
    else {
      const mayRepeat = !this.#answering && this.#body === undefined && this.mayRepeat(this.#client.method);
      if (mayRepeat && way.repeat(x, state, error)) return;
      x.refuse({ outcome: 'upstream-reset', detail: `${state.key}: ${causeText(error)}` });
    }
  }

  #writeHead(status: number, phrase: string | undefined, raw: readonly (Buffer | string)[]): void {
    const { res, req } = this.#client;
    const plain = this.#client.addsToHead(status) ? undefined : readPlainHead(raw);
    if (plain !== undefined) {
      this.#contentLength = plain.contentLength;
      const { via } = this.x.core.settings;
      res.writeHeadAsItCame(status, phrase, via === undefined ? plain.lines : `${plain.lines}Via: 1.1 ${via}\r\n`);
      if (!plain.isWhole) flushLater(this);
      return;
    }
    const head = readResponseHead(raw);
    fitFields(head, { status, to: req, keepAlive: res.shouldKeepAlive, via: this.x.core.settings.via });
    this.#nominated = head.nominated;
    this.#contentLength = req.method === 'HEAD' ? undefined : head.contentLength;
    res.writeHead(status, phrase, head.fields);
    flushLater(this);
  }

  /** Counts a 1xx, by its fields; returns whether it is passed on. */
  #countInformed(raw: (Buffer | string)[]): boolean {
    const { req } = this.#client;
    const fate = (this.#informed ??= new Informed(this.x)).take(raw, req.socket.writableNeedDrain);
    if (fate === 'break') this.refuse('upstream-reset', tooManyInformed);
    return fate === 'pass' && req.httpVersion === '1.1';
  }

  /** A 100, which is passed on whether it was asked for or not (RFC 9110 §15.2); undici takes it for an error. */
  #continued(): void {
    this.#begun = false;
    if (this.#countInformed([])) this.#client.res.writeContinue();
  }

  #inform(status: number, raw: (Buffer | string)[]): void {
    if (this.#countInformed(raw)) writeInformation(this.#client.res, status, raw, leavesOut(this.x));
  }

  /** `client`: it is the client that takes nothing, else the endpoint. */
  #endStalled(client: boolean): void {
    if (client) this.#client.req.socket.destroy();
    else this.refuse('upstream-idle', tookNothing);
    this.x.clientGone();
  }
}
