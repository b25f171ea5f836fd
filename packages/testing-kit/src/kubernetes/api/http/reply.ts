import { type ServerResponse } from 'node:http';
import { type FakeApiError } from '../errors.ts';

/** An answer that is ready to be sent. */
export type Reply = { status: number; text: string; contentType?: string; headers?: Record<string, string> };

export function jsonReply(body: unknown, status = 200): Reply {
  return { status, text: JSON.stringify(body) };
}

/** The answer to a refused request. */
export function errorReply({ status }: FakeApiError): Reply {
  const retryAfter = status.details?.retryAfterSeconds;
  return {
    ...jsonReply(status, status.code),
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
  };
}

export function sendReply(
  response: ServerResponse,
  { status, text, contentType = 'application/json', headers = {} }: Reply,
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-cache, private',
    ...headers,
  });
  response.end(text);
}
