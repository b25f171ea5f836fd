// A small app: reads the whole request, answers `hello`.
import { createServer } from 'node:http';
import { serveCalls } from '../processes/calls.ts';
import { listen } from '../processes/listen.ts';

/** The calls that the app answers. */
export type NodeAppCalls = typeof calls;

let received = 0;

const calls = {
  /** Resolves with its port. */
  listen(): Promise<number> {
    const server = createServer((req, res) => {
      const answer = (): void => {
        res.writeHead(200, { 'content-length': 5 });
        res.end('hello');
      };
      if (req.method === 'GET') answer();
      else req.on('data', (chunk: Buffer) => (received += chunk.length)).on('end', answer);
    });
    return listen(server);
  },
  /** Bytes of bodies that it received so far. */
  received: (): number => received,
};

serveCalls(calls);
