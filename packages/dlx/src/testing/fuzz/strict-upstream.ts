import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** An app that takes nothing but what RFC 9112 allows to be sent, and counts by client what it was sent. */
export interface StrictUpstream {
  readonly port: number;
  /** Client address → request lines of those whose head came. */
  readonly begun: ReadonlyMap<string, readonly string[]>;
  /** Client address → requests that came whole. */
  readonly whole: ReadonlyMap<string, number>;
  /** What no proxy may send, in words. */
  readonly offences: readonly string[];
  close(): void;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const answer = 'HTTP/1.1 200 OK\r\nx-upstream: 1\r\ncontent-length: 0\r\n\r\n';

export async function startStrictUpstream(): Promise<StrictUpstream> {
  const begun = new Map<string, string[]>();
  const whole = new Map<string, number>();
  const offences: string[] = [];
  const sockets = new Set<Socket>();
  const count = (map: Map<string, number>, client: string): void => void map.set(client, (map.get(client) ?? 0) + 1);
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const reader = new StrictReader(({ client, line }) => begun.set(client, [...(begun.get(client) ?? []), line]));
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      try {
        for (const client of reader.read(chunk.toString('latin1'))) {
          count(whole, client);
          socket.write(answer);
        }
      } catch (error) {
        offences.push((error as Error).message);
        socket.destroy();
      }
    });
  }).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, begun, whole, offences, close };
}

interface Head {
  readonly client: string;
  readonly line: string;
  readonly chunked: boolean;
  readonly length: number;
}

/** Reads one connection. @throws on the first thing that may not be sent. */
class StrictReader {
  readonly #onHead: (head: Head) => void;
  #text = '';
  #head: Head | undefined;

  constructor(onHead: (head: Head) => void) {
    this.#onHead = onHead;
  }

  /** The clients whose requests are whole now, in order. */
  read(text: string): string[] {
    this.#text += text;
    const done: string[] = [];
    for (;;) {
      if (this.#head === undefined) {
        const end = this.#text.indexOf('\r\n\r\n');
        if (end === -1) return done;
        this.#head = headOf(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 4);
        this.#onHead(this.#head);
      }
      const length = this.#head.chunked ? chunkedLength(this.#text) : this.#head.length;
      if (length === undefined || this.#text.length < length) return done;
      this.#text = this.#text.slice(length);
      done.push(this.#head.client);
      this.#head = undefined;
    }
  }
}

function headOf(text: string): Head {
  const offence = (what: string): Error => new Error(`${what}: ${JSON.stringify(text.slice(0, 400))}`);
  const [line = '', ...lines] = text.split('\r\n');
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.1$/.test(line)) throw offence('a bad request line');
  const fields = new Map<string, string[]>();
  for (const field of lines) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon);
    if (colon < 1 || !token.test(name)) throw offence('a bad field name');
    const value = field.slice(colon + 1).trim();
    if (/[\0\r\n]/.test(value)) throw offence('a bad field value');
    const key = name.toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  const only = (name: string): string | undefined => {
    const values = fields.get(name) ?? [];
    if (values.length > 1) throw offence(`${values.length} ${name}`);
    return values[0];
  };
  const client = only('x-forwarded-for');
  if (client === undefined || !/^127\.\d+\.\d+\.\d+$/.test(client)) throw offence('not one client');
  if (only('host') === undefined) throw offence('no host');
  const length = only('content-length');
  const coding = only('transfer-encoding');
  if (length !== undefined && (coding !== undefined || !/^\d{1,15}$/.test(length))) throw offence('bad framing');
  if (coding !== undefined && coding !== 'chunked') throw offence('a coding that is not chunked');
  return { client, line, chunked: coding !== undefined, length: Number(length ?? 0) };
}

/** How long a chunked body at the beginning of the text is; undefined: it is not whole yet. */
function chunkedLength(text: string): number | undefined {
  let at = 0;
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const size = text.slice(at, end);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new Error(`a bad chunk size: ${JSON.stringify(size.slice(0, 80))}`);
    const bytes = Number.parseInt(size, 16);
    at = end + 2 + bytes + 2;
    if (text.length < at) return undefined;
    if (text.slice(at - 2, at) !== '\r\n') throw new Error('a chunk that does not end where it says');
    if (bytes === 0) return at;
  }
}
