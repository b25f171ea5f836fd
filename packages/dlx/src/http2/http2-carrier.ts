import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Carrier, HttpRequest, OwnAnswer, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { fieldOf, fieldsOf } from '../head/head.ts';
import type { Refusal } from '../outcome.ts';
import { listenOnce } from '../sockets/guard.ts';
import { ClientStream, type StreamConnection } from './client-stream.ts';
import {
  deadlineExceeded,
  grpcMessage,
  grpcStatuses,
  healthCheckPath,
  readGrpcTimeout,
  servingMessage,
  unavailable,
} from './grpc.ts';
import { Http2Attempt } from './http2-attempt.ts';
import { addFields, checkStream, noFields, type RawFields } from './stream-head.ts';
import { endAnswer, resetStream } from './streams/stream-end.ts';

/** A request in HTTP/2: one stream. */
export class Http2Carrier extends ClientStream implements Carrier<Exchange>, HttpRequest {
  readonly #raw: readonly string[];

  constructor(
    connection: StreamConnection,
    stream: ServerHttp2Stream,
    fields: RawFields,
    options: { bodiless: boolean; targetHeader: string },
  ) {
    super(connection, stream, fields, options);
    this.#raw = fields.raw;
  }

  get http(): this {
    return this;
  }

  get version(): string {
    return '2';
  }

  get url(): string {
    return this.request.path;
  }

  fields(names: ReadonlySet<string>): ReadonlyMap<string, string> {
    const { host } = this.head;
    const fields = fieldsOf(this.#raw, names);
    return host === undefined || !names.has('host') ? fields : new Map(fields).set('host', host);
  }

  check(x: Exchange): Refusal | undefined {
    this.x = x;
    if (this.grpc) this.#watchDeadline(x);
    return checkStream(this, x.core.accounting.bounds, this.request);
  }

  answer({ status, fields, body, last, refusal }: OwnAnswer): void {
    const { stream } = this;
    if (last && this.x?.core.draining === true) this.connection.leave();
    if (stream.destroyed || stream.closed) return;
    if (this.grpc) {
      this.#answerGrpc(refusal);
      return;
    }
    const sent = this.method === 'HEAD' ? undefined : body;
    stream.respond(own({ ':status': status }, fields), { endStream: sent === undefined });
    if (sent !== undefined) endAnswer(stream, this, sent);
    this.letGo();
  }

  reset(refusal: Refusal): void {
    const { stream } = this;
    // Trailers with an error are gRPC's own way to break off.
    if (this.grpc && this.answering && this.resetCode === undefined && !stream.writableEnded) {
      this.end(() => own(noFields(), this.#grpcFields(refusal)));
    } else resetStream(stream, this.resetCode ?? constants.NGHTTP2_INTERNAL_ERROR);
  }

  attempt(x: Exchange, way: Way<Exchange>, state: EndpointState): Http2Attempt {
    return new Http2Attempt(x, this, way, state);
  }

  #answerGrpc(refusal: Refusal | undefined): void {
    const { stream } = this;
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    if (refusal === undefined && this.url === healthCheckPath) {
      stream.respond(head, { waitForTrailers: true });
      stream.write(servingMessage);
      this.end(() => ({ 'grpc-status': '0' }));
      return;
    }
    const reason: Refusal = refusal ?? { outcome: 'not-woken', detail: 'asleep, and not woken by this kind of call' };
    stream.respond(own(head, this.#grpcFields(reason)), { endStream: true });
    this.letGo();
  }

  #grpcFields({ outcome, detail }: Refusal): string[] {
    const status = outcome === 'wake-timeout' && this.isLate ? deadlineExceeded : grpcStatuses[outcome] || unavailable;
    return ['grpc-status', String(status), 'grpc-message', grpcMessage(`${outcome}: ${detail}`)];
  }

  /** A call whose caller gives up while it waits is not sent any more. */
  #watchDeadline(x: Exchange): void {
    const { clock } = x.core;
    const timeoutMs = readGrpcTimeout(fieldOf(this.#raw, 'grpc-timeout') ?? '');
    if (timeoutMs === undefined) return;
    this.deadlineMs = x.startedMs + timeoutMs;
    const cancel = clock.after(timeoutMs, () => {
      this.isLate = true;
      this.refuseLate(x);
    });
    listenOnce(this.stream, 'close', this, cancel);
  }
}

/** Adds fields of our own making. */
function own(to: OutgoingHttpHeaders, fields: readonly string[]): OutgoingHttpHeaders {
  return addFields(to, { raw: fields, sensitive: undefined });
}
