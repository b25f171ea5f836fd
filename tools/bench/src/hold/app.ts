// The app behind the DLX in the hold scenarios: answers a GET with its path, a body with its SHA-256.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { serveCalls } from '../processes/calls.ts';
import { listen } from '../processes/listen.ts';

/** The calls that the app answers. */
export type AppCalls = typeof calls;

/** Numbers of the requests in order of arrival. */
let seen: number[] = [];
let tookMs = 0;
let atOnce = Number.POSITIVE_INFINITY;
let running = 0;
let connections = 0;
const queue: { res: ServerResponse; text: string }[] = [];

const server = createServer((req: IncomingMessage, res: ServerResponse) => {
  seen.push(Number(req.url?.slice(1)));
  if (req.method === 'GET') {
    serve(res, req.url ?? '');
    return;
  }
  const hash = createHash('sha256');
  req.on('data', (chunk: Buffer) => hash.update(chunk)).on('end', () => serve(res, hash.digest('hex')));
});

server.on('connection', () => (connections += 1));

function serve(res: ServerResponse, text: string): void {
  if (tookMs === 0 && atOnce === Number.POSITIVE_INFINITY) answer(res, text);
  else {
    queue.push({ res, text });
    next();
  }
}

/** Begins waiting requests, as many as may run at once. A request whose client left is not begun. */
function next(): void {
  while (running < atOnce) {
    const waiting = queue.shift();
    if (waiting === undefined) return;
    if (waiting.res.destroyed) continue;
    running += 1;
    setTimeout(() => {
      running -= 1;
      answer(waiting.res, waiting.text);
      next();
    }, tookMs);
  }
}

function answer(res: ServerResponse, text: string): void {
  res.writeHead(200, { 'content-length': text.length });
  res.end(text);
}

const calls = {
  /** Resolves with its port. */
  async listen(options: { tookMs?: number; atOnce?: number } = {}): Promise<number> {
    tookMs = options.tookMs ?? 0;
    atOnce = options.atOnce ?? Number.POSITIVE_INFINITY;
    return listen(server);
  },
  /** Connections that were opened since the last call. */
  connections(): number {
    const count = connections;
    connections = 0;
    return count;
  },
  /** The numbers of the requests since the last call, in order of arrival. */
  seen(): number[] {
    const numbers = seen;
    seen = [];
    return numbers;
  },
};

serveCalls(calls);
