import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type ClientHttp2Session } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { neighbour } from './process/hostile-scaler.ts';

const everyMs = 50;
/** More than the DLX needs, less than a client waits. */
const limitMs = 30_000;
const host = `${neighbour.name}.${neighbour.namespace}`;

/** An app in both protocols on one port, which answers with what it was asked for. */
export class NeighbourApp {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  get port(): number {
    return (this.#server?.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    const plain = createServer({ keepAliveTimeout: 0 }, (req, res) => res.end(bodyFor(req.url)));
    const http2 = createHttp2Server((req, res) => res.end(bodyFor(req.url)));
    const server = createTcpServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      socket.once('readable', () => {
        const first = socket.read() as Buffer | null;
        if (first === null) return;
        socket.unshift(first);
        (first.toString('latin1', 0, 3) === 'PRI' ? http2 : plain).emit('connection', socket);
      });
    });
    this.#server = server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function bodyFor(url = ''): string {
  return `${url} `.repeat(50);
}

/** Another tenant, who asks for something every 50 ms in both protocols and wants it all. */
export class Neighbour {
  asked = 0;
  slowestMs = 0;
  /** When, and what was wrong. */
  readonly failures: { readonly atMs: number; readonly text: string }[] = [];
  readonly #port: () => number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #session: ClientHttp2Session | undefined;

  constructor(port: () => number) {
    this.#port = port;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#each('HTTP/1.1', (path) => this.#askHttp1(path), signal),
      this.#each('HTTP/2', (path) => this.#askHttp2(path), signal),
    ]);
    this.#agent.destroy();
    this.#session?.destroy();
  }

  async #each(what: string, ask: (path: string) => Promise<string>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const path = `/neighbour/${this.asked++}`;
      const beginMs = performance.now();
      const timer = new AbortController();
      const limit = sleep(limitMs, `no answer within ${limitMs} ms`, { signal: timer.signal }).catch(() => '');
      const wrong = await Promise.race([ask(path).catch((error: Error) => error.message), limit]);
      timer.abort();
      this.slowestMs = Math.max(this.slowestMs, performance.now() - beginMs);
      if (wrong !== '' && !signal.aborted) this.#failed(`the neighbour asked for ${path} in ${what}: ${wrong}`);
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  }

  #failed(text: string): void {
    this.failures.push({ atMs: performance.now(), text });
  }

  #askHttp1(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { port: this.#port(), path, agent: this.#agent, headers: { host } };
      const asked = request(options, (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (text: string) => (body += text));
        response.on('error', reject).on('end', () => resolve(judged(response.statusCode, body, path)));
      });
      asked.on('error', reject).end();
    });
  }

  async #askHttp2(path: string): Promise<string> {
    const session = (this.#session = this.#usable());
    return new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path, ':authority': host });
      let [status, body] = [0, ''];
      stream.on('response', (head) => (status = head[':status'] ?? 0));
      stream.setEncoding('latin1').on('data', (text: string) => (body += text));
      stream.on('error', reject).on('close', () => resolve(judged(status, body, path)));
    });
  }

  #usable(): ClientHttp2Session {
    const session = this.#session;
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    return connectHttp2(`http://127.0.0.1:${this.#port()}`).on('error', () => {});
  }
}

function judged(status: number | undefined, body: string, path: string): string {
  if (status === 200 && body === bodyFor(path)) return '';
  return `${status} ${JSON.stringify(body.slice(0, 200))}`;
}
