// The hostile tenant's own clients, in a process of their own: `hostile-clients.ts URL SECONDS`. They ask for the
// tenant's own Services alone, at bounded rates, and end by themselves.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [base = '', seconds = '60'] = process.argv.slice(2);
const { hostname: host, port: named } = new URL(base);
const port = named === '' ? 80 : Number(named);
const endsAtMs = performance.now() + Number(seconds) * 1_000;
const open = new Set<Socket>();

const head = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${fields}\r\n`;
const tiny = (count: number): string => Array.from({ length: count }, (_, i) => `a${i % 10}:\r\n`).join('');

/** Says something over a connection of its own. `reads`: takes what is answered. */
function say(text: string, reads: boolean): Socket {
  const socket = connect({ host, port });
  open.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => open.delete(socket));
  socket.write(text);
  if (reads) socket.resume();
  else socket.pause();
  return socket;
}

/** Keeps so many such connections open. */
async function keep(count: number, begin: () => Socket): Promise<void> {
  const own = new Set<Socket>();
  while (performance.now() < endsAtMs) {
    if (own.size < count) {
      const socket = begin();
      own.add(socket);
      socket.on('close', () => own.delete(socket));
      await sleep(5);
    } else await sleep(50);
  }
}

/** Asks again and again over one connection. */
async function repeat(everyMs: number, text: () => string): Promise<void> {
  while (performance.now() < endsAtMs) {
    const socket = say('', true);
    while (performance.now() < endsAtMs && socket.writable) {
      socket.write(text());
      await sleep(everyMs);
    }
    socket.destroy();
    await sleep(everyMs);
  }
}

let asked = 0;
await Promise.all([
  // Kept recent requests: long paths and queries, each another.
  ...Array.from({ length: 8 }, () =>
    repeat(20, () => head(`/ok/${++asked}${'x'.repeat(4_000)}?${'q'.repeat(10_000)}`)),
  ),
  // Many fields against many quiet rules.
  ...Array.from({ length: 4 }, () => repeat(100, () => head('/ok', tiny(8_000)))),
  // Informational answers and endless bodies which the client does not read.
  keep(20, () => say(head('/informs'), false)),
  keep(50, () => say(head('/pours'), false)),
  // In flight for ever.
  keep(1_000, () => say(head('/hangs'), false)),
  // Heads that never end.
  keep(500, () => say('GET / HTTP/1.1\r\nhost: x\r\na: ' + 'x'.repeat(30_000), false)),
]);
for (const socket of open) socket.destroy();
process.exit(0);
