import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Peer } from '../peers/peer.ts';

/** The answer of a scripted DLX replica: a status and a body that is sent as it is, or never. */
export type PeerScript = (request: { path: string; body: unknown }) => { status?: number; text: string } | 'never';

export interface FakeDlx extends Peer {
  /** The requests that it got, in order: `POST /fence`. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Starts a real HTTP server on a free port that answers as scripted. It knows no protocol rules of its own. */
export async function startFakeDlx(script: PeerScript, host = '127.0.0.1'): Promise<FakeDlx> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      asked.push(`${request.method} ${path}`);
      const text = Buffer.concat(chunks).toString();
      const answer = script({ path, body: text === '' ? undefined : (JSON.parse(text) as unknown) });
      if (answer === 'never') return;
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' }).end(answer.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers as a DLX replica that has nothing to do: clear, ok, no activity, up for an hour. */
export function quietDlx(replica: string, changes: Partial<Record<string, PeerScript>> = {}): PeerScript {
  const answers: Record<string, PeerScript> = {
    '/activity': () => ({ text: JSON.stringify(activity(replica)) }),
    '/preflight': () => ({ text: JSON.stringify({ replica, ok: true, reasons: [] }) }),
    '/fence': ({ body }) => {
      const { epoch } = body as { epoch: string };
      return { text: JSON.stringify({ replica, clear: true, held: 0, inFlight: 0, epoch }) };
    },
    ...(changes as Record<string, PeerScript>),
  };
  return (request) => answers[request.path]?.(request) ?? { status: 404, text: '{}' };
}

export function activity(replica: string, resources: object = {}, upMs = 3_600_000) {
  return { replica, startedAt: 1_000_000, now: 1_000_000 + upMs, draining: false, resources };
}
