import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Endpoint } from '@scaler/scaler-types';
import { type StrictRequest, StrictRequests } from './strict-requests.ts';

/** A request as it reached the app. */
export interface RecordedRequest extends StrictRequest {
  /** Which one it was, counted from 1; the answer says it as `x-seen`. */
  readonly seq: number;
}

/**
 * An app that writes down every byte, believes only what RFC 9112 leaves no doubt about, and answers each whole request
 * with its number and its body's length.
 */
export interface Recorder {
  readonly endpoint: Endpoint;
  /** In order of their completion. */
  readonly requests: RecordedRequest[];
  /** What no careful sender would have sent, one text each. */
  readonly violations: string[];
  readonly bytes: number;
  /** All of them, in latin1, whichever connection they came on. */
  readonly text: string;
  /** Connections that were made, and those that stand. */
  readonly connections: number;
  readonly open: number;
  close(): void;
}

export async function startRecorder(): Promise<Recorder> {
  const requests: RecordedRequest[] = [];
  const violations: string[] = [];
  const sockets = new Set<Socket>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    const reader = new StrictRequests();
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (reader.violation !== undefined) return;
      const done = reader.push(chunk);
      // One at a time: what comes before its answer would be a second reading of the first.
      if (done > 1) violations.push(`${done} requests at once`);
      for (const request of done === 0 ? [] : reader.requests.splice(0)) {
        requests.push({ ...request, seq: requests.length + 1 });
        socket.write(answerTo(request, requests.length));
      }
      if (reader.violation !== undefined) violations.push(reader.violation);
    });
  }).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: { address: '127.0.0.1', port, id: `127.0.0.1:${port}` },
    requests,
    violations,
    get bytes() {
      return bytes;
    },
    get text() {
      return Buffer.concat(chunks).toString('latin1');
    },
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function answerTo({ method, body }: StrictRequest, seq: number): string {
  const text = `seen ${body.length}`;
  const head = `HTTP/1.1 200 OK\r\nx-seen: ${seq}\r\ncontent-length: ${text.length}\r\n\r\n`;
  return method === 'HEAD' ? head : head + text;
}
