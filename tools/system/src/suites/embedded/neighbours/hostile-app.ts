// The app of the hostile tenant's pods: the first element of the path chooses the answer, each the worst of its kind.
import { createServer, type Socket } from 'node:net';
import { yieldToAll } from './program.ts';

const host = process.env['POD_IP'] ?? '127.0.0.1';
const port = Number(process.env['PORT'] ?? 8080);
const informational = Buffer.from('HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n'.repeat(200));
const chunk = Buffer.alloc(65_536, 'x');

const answers: Readonly<Record<string, (socket: Socket) => void>> = {
  /** Informational answers without an end. */
  informs: (socket) => pour(socket, informational),
  /** An answer without an end. */
  pours(socket) {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9007199254740991\r\n\r\n');
    pour(socket, chunk);
  },
  /** Never answers. */
  hangs: () => {},
  ok: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
};

function pour(socket: Socket, bytes: Buffer): void {
  const more = (): void => {
    while (socket.writable && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

yieldToAll();
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  let head = '';
  socket.on('data', (bytes: Buffer) => {
    head = (head + bytes.toString('latin1')).slice(-65_536);
    if (!head.includes('\r\n\r\n')) return;
    const name = /^\S+ \/(\w*)/.exec(head)?.[1] ?? '';
    head = '';
    (answers[name] ?? answers['ok'])?.(socket);
  });
});
server.listen(port, host);
process.on('SIGTERM', () => process.exit(0));
