import type { ClientHttp2Session } from 'node:http2';
import type { Harness } from './harness.ts';
import { connectHttp2, type Http2Exchange, open2, startHttp2App } from './http2.ts';
import { endOf } from './stream.ts';
import { startUpstream } from './upstream.ts';

/** Uploads that are under way while something else goes wrong. */
export interface Bystanders {
  readonly count: number;
  /** Sends the rest of each. @throws when one of them was not answered as it is to be. */
  finish(): Promise<void>;
}

const half = 10;

/** Uploads of another tenant: some in HTTP/1, and as many over one connection in HTTP/2. */
export async function startBystanders(h: Harness): Promise<Bystanders> {
  const one = await startUpstream((_req, res, text) => res.end(text));
  const two = await startHttp2App((stream) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    stream.on('end', () => {
      if (stream.closed) return;
      stream.respond({ ':status': 200 });
      stream.end(text);
    });
  });
  h.scaler.endpoints('one', [one.endpoint]);
  h.scaler.endpoints('two', [two.endpoint]);
  for (const name of ['one', 'two']) h.scaler.set({ name, namespace: 'other', phase: 'awake' });
  const streams = beside(connectHttp2(h.port), 'two.other', half);
  const sockets = await Promise.all(
    Array.from({ length: half }, async () =>
      endOf(await h.raw('POST / HTTP/1.1\r\nhost: one.other\r\ncontent-length: 5\r\n\r\nbe')),
    ),
  );
  await h.until(() => one.heads.length === half && two.heads.length === half, 'all are with their apps');
  return {
    count: 2 * half,
    async finish() {
      await finishAll(streams);
      for (const { socket } of sockets) socket.write('gun');
      for (const { hears } of sockets) await hears('\r\n\r\nbegun');
    },
  };
}

/** Uploads on this very connection, all to one host. */
export function beside(session: ClientHttp2Session, authority = 'web', count = 2 * half): Http2Exchange[] {
  return Array.from({ length: count }, () => {
    const upload = open2(session, { ':method': 'POST', ':path': '/upload', ':authority': authority }, undefined);
    upload.stream.write('be');
    return upload;
  });
}

export async function finishAll(uploads: readonly Http2Exchange[]): Promise<void> {
  for (const { stream } of uploads) stream.end('gun');
  for (const { answer } of uploads) {
    const { status, body, whole } = await answer;
    if (status !== 200 || body !== 'begun' || !whole) {
      throw new Error(`an upload was answered ${status} "${body}", ${whole ? 'whole' : 'broken off'}`);
    }
  }
}
