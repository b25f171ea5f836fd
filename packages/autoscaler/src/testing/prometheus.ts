import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request to Prometheus. */
export interface PromRequest {
  method: string;
  path: string;
  /** Of the form; undefined when there is none. */
  query: string | undefined;
  form: URLSearchParams;
  authorization: string | undefined;
}

/** A status and a body that is sent as it is; `never`; or `cut`: a connection that breaks in the middle of the body. */
export type PromAnswer = { status?: number; body: unknown } | 'never' | 'cut';

/** A server with the paths and answers of Prometheus's HTTP API, as its documentation has them. It evaluates nothing. */
export interface FakePrometheus {
  readonly url: string;
  readonly asked: PromRequest[];
  /** Answers queries. */
  answer: (request: PromRequest) => PromAnswer;
  /** Milliseconds since the epoch; undefined: 404, as where the API is imitated. */
  startedMs: number | undefined;
  close(): Promise<void>;
}

export interface Tls {
  key: string;
  cert: string;
}

/** The answer to a query with a vector: labels, value as text, time in seconds. */
export function vector(...series: readonly (readonly [labels: object, value: string, seconds?: number])[]): PromAnswer {
  const result = series.map(([metric, value, seconds = Date.now() / 1_000]) => ({ metric, value: [seconds, value] }));
  return { body: { status: 'success', data: { resultType: 'vector', result } } };
}

export async function startFakePrometheus({
  tls,
  prefix = '',
}: { tls?: Tls; prefix?: string } = {}): Promise<FakePrometheus> {
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const { method = '', url: path = '', headers } = request;
      const { authorization } = headers;
      const seen: PromRequest = { method, path, query: form.get('query') ?? undefined, form, authorization };
      fake.asked.push(seen);
      const answer = answerTo(fake, prefix, seen);
      if (answer === 'never') return;
      const text = answer === 'cut' ? '{"status":"success",' : textOf(answer.body);
      const length = answer === 'cut' ? text.length + 1 : Buffer.byteLength(text);
      response.writeHead(answer === 'cut' ? 200 : (answer.status ?? 200), { 'content-length': length });
      response.end(text, () => answer === 'cut' && request.socket.destroy());
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fake: FakePrometheus = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}${prefix}`,
    asked: [],
    answer: () => vector(),
    startedMs: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

function answerTo(fake: FakePrometheus, prefix: string, request: PromRequest): PromAnswer {
  if (request.path === `${prefix}/api/v1/query`) return fake.answer(request);
  if (request.path !== `${prefix}/api/v1/status/runtimeinfo` || fake.startedMs === undefined)
    return { status: 404, body: 'no' };
  const startTime = new Date(fake.startedMs).toISOString();
  return { body: { status: 'success', data: { startTime, storageRetention: '15d' } } };
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
