import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { KubeError } from '../errors.ts';

/** A request, ready to be put on a socket. */
export interface ExchangeOptions {
  /** "PATCH /apis/…", for messages. */
  readonly what: string;
  readonly secure: boolean;
  readonly request: RequestOptions;
  readonly body: string | undefined;
  /** Ends the exchange and its socket at any time, also while the answer is read. */
  readonly signal: AbortSignal;
}

/** The failure of an exchange. */
export interface ExchangeFailure {
  readonly error: KubeError;
  /** Whether the API server may have seen the request. */
  readonly sent: boolean;
}

/** Either an answer whose body is still to be read, or a failure. Never rejects. */
export type ExchangeResult = { readonly answer: IncomingMessage } | ExchangeFailure;

/** Sends one request over an agent's socket, and waits for the head of the answer. */
export function exchange(options: ExchangeOptions): Promise<ExchangeResult> {
  const { what, signal, body } = options;
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve({ error: new KubeError('aborted', `${what} was aborted`, { cause: signal.reason }), sent: false });
      return;
    }
    const request = (options.secure ? httpsRequest : httpRequest)(options.request);
    const sent = watchConnection(request);
    const onAbort = (): void => void request.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    request.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      // A server may switch to another protocol; Node reports that by this event alone.
      resolve({ error: new KubeError('connection', `${what} got no answer`), sent: sent() });
    });
    request.once('response', (answer) => resolve({ answer }));
    request.on('error', (cause) => {
      const code = signal.aborted ? 'aborted' : 'connection';
      resolve({ error: new KubeError(code, `${what} failed: ${cause.message}`, { cause }), sent: sent() });
    });
    request.end(body);
  });
}

/** Whether the request's bytes may have been sent: they may once its socket is connected, and has done its handshake. */
function watchConnection(request: ClientRequest): () => boolean {
  let sent = false;
  request.once('socket', (socket: Socket) => {
    if (request.reusedSocket || !socket.connecting) sent = true;
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => (sent = true));
  });
  return () => sent;
}

/**
 * Reads the whole body. Resolves with undefined when it breaks off, with `too-long` when it has more than `maxBytes`: its
 * connection ends then.
 */
export function readBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer | 'too-long' | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    answer.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      resolve('too-long');
      chunks.length = 0;
      answer.destroy();
    });
    answer.once('end', () => resolve(answer.complete ? Buffer.concat(chunks) : undefined));
    answer.once('error', () => resolve(undefined));
    answer.once('close', () => resolve(undefined));
  });
}
