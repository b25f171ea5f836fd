import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type StrictRequest, StrictRequests } from '../strict-requests.ts';

/** An app that takes nothing but what RFC 9112 allows to be sent, and remembers by client what it was sent. */
export interface StrictUpstream {
  readonly port: number;
  /** Client address → request lines of those whose head came. */
  readonly begun: ReadonlyMap<string, readonly string[]>;
  /** Client address → requests that came whole. */
  readonly whole: ReadonlyMap<string, readonly StrictRequest[]>;
  /** What no proxy may send, in words. */
  readonly offences: readonly string[];
  close(): void;
}

const answer = 'HTTP/1.1 200 OK\r\nx-upstream: 1\r\ncontent-length: 0\r\n\r\n';

export async function startStrictUpstream(): Promise<StrictUpstream> {
  const begun = new Map<string, string[]>();
  const whole = new Map<string, StrictRequest[]>();
  const offences: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    const reader = new StrictRequests();
    let told = false;
    const begin = (request: Head): void => {
      if (!told) add(begun, clientOf(request, offences), `${request.method} ${request.target}`);
      told = true;
    };
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (const request of reader.requests.splice(0)) {
        begin(request);
        told = false;
        add(whole, clientOf(request, offences), request);
        socket.write(answer);
      }
      if (reader.begun !== undefined) begin(reader.begun);
      if (reader.violation === undefined) return;
      offences.push(reader.violation);
      socket.destroy();
    });
  }).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, begun, whole, offences, close };
}

type Head = Omit<StrictRequest, 'body'>;

function clientOf({ fields }: Head, offences: string[]): string {
  const clients = fields.filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, client]) => client);
  const [client = ''] = clients;
  if (clients.length !== 1 || !/^127\.\d+\.\d+\.\d+$/.test(client)) offences.push(`from ${clients.join()}`);
  return client;
}

function add<T>(map: Map<string, T[]>, client: string, one: T): void {
  const list = map.get(client);
  if (list === undefined) map.set(client, [one]);
  else list.push(one);
}
