// The hostile tenant's own clients, in a process of their own: `hostile-clients.ts SECONDS ADDRESS...`, each address
// `host:port` of an endpoint of its Service. They call the tenant's own Service alone, at bounded rates, and end by
// themselves; then they send their parent an `AttackReport`. Bounded: 400 long requests and 40 of many fields a second; at
// most 1,570 connections at once, and 1,000 new ones a second.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWith, endWithParent, yieldToAll } from './program.ts';

const [seconds = '60', ...addresses] = process.argv.slice(2);
const endsAtMs = performance.now() + Number(seconds) * 1_000;
const open = new Set<Socket>();
let [connections, requests] = [0, 0];

const head = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nhost: front.mallory\r\n${fields}\r\n`;
const tiny = (count: number): string => Array.from({ length: count }, (_, i) => `a${i % 10}:\r\n`).join('');

/** Sends a text over a connection of its own. `reads`: reads the answer. */
function say(text: string, reads: boolean): Socket {
  const [host, port] = (addresses[connections % addresses.length] ?? '').split(':');
  const socket = connect({ host: host ?? '', port: Number(port) });
  connections += 1;
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

/** Sends requests again and again over one connection. */
async function repeat(everyMs: number, text: () => string): Promise<void> {
  while (performance.now() < endsAtMs) {
    const socket = say('', true);
    while (performance.now() < endsAtMs && socket.writable) {
      socket.write(text());
      requests += 1;
      await sleep(everyMs);
    }
    socket.destroy();
    await sleep(everyMs);
  }
}

endWithParent();
yieldToAll();
await Promise.all([
  // Requests that the DLX records as recent: long paths and queries, each different.
  ...Array.from({ length: 8 }, () =>
    repeat(20, () => head(`/ok/${requests}${'x'.repeat(4_000)}?${'q'.repeat(10_000)}`)),
  ),
  // Many fields against many quiet rules.
  ...Array.from({ length: 4 }, () => repeat(100, () => head('/ok', tiny(8_000)))),
  // Informational answers and endless bodies that the client does not read.
  keep(20, () => say(head('/informs'), false)),
  keep(50, () => say(head('/pours'), false)),
  // Requests in flight for ever.
  keep(1_000, () => say(head('/hangs'), false)),
  // Heads that never end.
  keep(500, () => say('GET / HTTP/1.1\r\nhost: x\r\na: ' + 'x'.repeat(30_000), false)),
]);
for (const socket of open) socket.destroy();
endWith({ connections, requests });
