// A small app: reads the whole request, answers `hello`.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCalls } from '../processes/calls.ts';

/** The calls that the app answers. */
export type NodeAppCalls = typeof calls;

let received = 0;

const calls = {
  /** Resolves with its port. */
  async listen(): Promise<number> {
    const server = createServer((req, res) => {
      const answer = (): void => {
        res.writeHead(200, { 'content-length': 5 });
        res.end('hello');
      };
      if (req.method === 'GET') answer();
      else req.on('data', (chunk: Buffer) => (received += chunk.length)).on('end', answer);
    });
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  /** Bytes of bodies that it received so far. */
  received: (): number => received,
};

serveCalls(calls);
