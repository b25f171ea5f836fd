import { createHash } from 'node:crypto';
import http from 'node:http';

/** The result of a request. */
export interface Asked {
  status: number;
  text: string;
  sentMs: number;
  /** When the head of the answer came. */
  firstByteMs: number;
}

/** One request on a connection of its own. */
export function ask(url: string, body?: Buffer): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sentMs = performance.now();
    const request = http.request(url, {
      method: body ? 'POST' : 'GET',
      agent: false,
      headers: { connection: 'close' },
    });
    request.setTimeout(30_000, () => request.destroy(new Error(`no answer of ${url} within 30 s`)));
    request.on('error', reject);
    request.on('response', (response) => {
      const firstByteMs = performance.now();
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, sentMs, firstByteMs }));
    });
    request.end(body);
  });
}

export function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
