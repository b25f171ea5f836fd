import { request as overHttp, type IncomingMessage } from 'node:http';
import { request as overHttps } from 'node:https';
import { text } from 'node:stream/consumers';

/** A JSON document whose shape the reader knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- promises look into many shapes, and assert on each
export type Document = any;

/** An answer. `body` is parsed if it is JSON, else text; header names are lower case. */
export type RawResponse = { status: number; headers: Record<string, string>; body: Document };

/** The options of a request; an object as body is sent as JSON, by default as `application/json`. */
export type RawRequestOptions = {
  query?: Record<string, string>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
};

/** A bare API server, on which the promises are tested. */
export type RawApi = {
  /** A namespace for the promises alone, with its `default` ServiceAccount. */
  readonly namespace: string;
  request(method: string, path: string, options?: RawRequestOptions): Promise<RawResponse>;
  /** The events of a watch, until its end or an abort. Throws when it is refused. `watch=1` is added to the query. */
  watch(
    path: string,
    query: Record<string, string>,
    signal: AbortSignal,
  ): AsyncIterable<{ type: string; object: Document }>;
};

/** The address and credentials of an API server. */
export type RawApiAddress = { url: string; token: string; ca?: string; namespace: string };

function target(base: string, path: string, query: Record<string, string>): URL {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function send(
  { url: base, token, ca }: RawApiAddress,
  method: string,
  path: string,
  options: RawRequestOptions,
): Promise<IncomingMessage> {
  const { query = {}, body, contentType = 'application/json', signal } = options;
  const url = target(base, path, query);
  const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = url.protocol === 'https:' ? overHttps : overHttp;
    // Node frames the body of a DELETE only when its length is set.
    const framing =
      content === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(content) };
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json', ...framing };
    // No agent: every call has its own connection, so that none outlives its promise.
    const sent = call(url, { method, headers, agent: false, ca, signal }, resolve);
    sent.on('error', reject);
    sent.end(content);
  });
}

function parsed(text: string): Document {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function* lines(message: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  message.setEncoding('utf8');
  for await (const chunk of message as AsyncIterable<string>) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

/** Calls an API server over plain HTTP or HTTPS, without the client of `@scaler/kube`. */
export function connectRawApi(address: RawApiAddress): RawApi {
  return {
    namespace: address.namespace,
    async request(method, path, options = {}) {
      const message = await send(address, method, path, options);
      return {
        status: message.statusCode ?? 0,
        headers: message.headers as Record<string, string>,
        body: parsed(await text(message)),
      };
    },
    async *watch(path, query, signal) {
      const message = await send(address, 'GET', path, { query: { ...query, watch: '1' }, signal });
      if (message.statusCode !== 200)
        throw new Error(`the watch of ${path} was refused with ${message.statusCode}: ${await text(message)}`);
      for await (const line of lines(message))
        if (line !== '') yield JSON.parse(line) as { type: string; object: Document };
    },
  };
}
