import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request as it is written, and what the client sends after its head. */
export interface Question {
  /** Its head with what follows at once; `HOST` stands for the name of the resource. */
  readonly head: string;
  /** Bytes of a body that is uploaded behind it, for as long as it is taken. */
  readonly upload?: number;
  /** Sent once a `100 Continue` has come. */
  readonly upon100?: string;
}

const limitMs = 1500;
const piece = Buffer.alloc(65_536, 'u');

/** The status, or statuses, of all that came back, and the body; `…` where the end that was promised did not come. */
export async function ask(port: number, { head, upload = 0, upon100 }: Question, host: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let came = '';
  let broken = '';
  let ended = false;
  const more = (): Promise<unknown> => Promise.race([once(socket, 'moved'), sleep(limitMs)]);
  socket.on('data', (chunk: Buffer) => {
    came += chunk.toString('latin1');
    socket.emit('moved');
  });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => (broken = code === 'EPIPE' ? '' : 'reset'));
  socket.on('end', () => {
    ended = true;
    socket.emit('moved');
  });
  socket.on('close', () => {
    ended = true;
    socket.emit('moved');
  });
  await once(socket, 'connect');
  const method = head.slice(0, head.indexOf(' '));
  socket.write(head.replaceAll('HOST', host), 'latin1');
  if (upload > 0) await send(socket, upload);
  const endsAtMs = performance.now() + limitMs;
  let told = false;
  while (!ended && performance.now() < endsAtMs && readReply(came, ended, method)?.isWhole !== true) {
    await more();
    if (upon100 !== undefined && !told && came.startsWith('HTTP/1.1 100')) {
      told = true;
      socket.write(upon100, 'latin1');
    }
  }
  socket.destroy();
  const reply = readReply(came, ended, method);
  if (reply === undefined) return broken || (ended ? 'closed' : 'silence');
  return `${reply.text}${reply.isWhole ? '' : ended ? ` ${broken || 'cut off'}` : ' …'}`;
}

/** Uploads for as long as it is taken. */
async function send(socket: ReturnType<typeof connect>, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && socket.writable; sent += piece.length) {
    if (socket.write(piece)) continue;
    await Promise.race([once(socket, 'drain'), once(socket, 'moved'), once(socket, 'close'), sleep(limitMs)]).catch(
      () => {},
    );
    if (socket.bytesRead > 0) return;
  }
}

interface Reply {
  readonly text: string;
  readonly isWhole: boolean;
}

/** Fields whose presence is the point of a row. */
const noted = /^(?:upgrade|via|trailer|x-odd)$/i;

/** Reads a reply as clients do, leniently. Undefined: there is none yet. */
function readReply(came: string, ended: boolean, method: string): Reply | undefined {
  let rest = came.trimStart();
  const statuses: string[] = [];
  for (;;) {
    const end = /\r?\n\r?\n/.exec(rest);
    if (end === null) return statuses.length === 0 ? undefined : { text: statuses.join(', '), isWhole: false };
    const [start = '', ...lines] = rest
      .slice(0, end.index)
      .replace(/\r?\n[ \t]+/g, ' ')
      .split(/\r?\n/);
    rest = rest.slice(end.index + end[0].length);
    const status = /^\S+ +(\d{3})/.exec(start)?.[1] ?? `"${start.slice(0, 20)}"`;
    statuses.push(status);
    if (status.startsWith('1') && status !== '101') continue;
    const fields = lines.map((line) => /^([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line)).filter((field) => field !== null);
    const notes = fields
      .filter(([, name = '']) => noted.test(name))
      .map(([, name, value]) => ` ${name}: ${value}`.toLowerCase());
    const { body, isWhole } = readBody({
      rest,
      ended,
      fields,
      bodiless: method === 'HEAD' || status === '204' || status === '304',
    });
    return {
      text: `${statuses.join(', ')}${notes.join('')}${body === '' ? '' : ` ${bodyText(body, fields)}`}`,
      isWhole,
    };
  }
}

/** Our own answers are told by what they say. */
function bodyText(body: string, fields: readonly RegExpExecArray[]): string {
  if (!fields.some(([, , value]) => value === 'application/problem+json')) {
    return body.startsWith('<html>') ? '' : body.length > 40 ? `${body.length} bytes` : JSON.stringify(body);
  }
  const { detail } = JSON.parse(body.slice(0, body.lastIndexOf('}') + 1)) as { detail: string };
  // Without the endpoint's address, which is another at each run.
  return `(${detail.replace(/^127\S+: /, '').slice(0, 100)})`;
}

function readBody(from: { rest: string; ended: boolean; fields: readonly RegExpExecArray[]; bodiless: boolean }): {
  body: string;
  isWhole: boolean;
} {
  const { rest, ended, fields, bodiless } = from;
  if (bodiless) return { body: '', isWhole: true };
  const value = (wanted: string): string | undefined =>
    fields.find(([, name = '']) => name.toLowerCase() === wanted)?.[2]?.split(',')[0];
  if (value('transfer-encoding') === 'chunked') {
    const body = rest.replace(/(?:^|\r?\n)[0-9a-f]+\r?\n/gi, '').replace(/\r\n$/, '');
    return { body, isWhole: /(?:^|\n)0\r?\n(?:.+\r?\n)*\r?\n$/.test(rest) };
  }
  const length = value('content-length');
  if (length === undefined) return { body: rest, isWhole: ended };
  return { body: rest.slice(0, Number(length)), isWhole: rest.length >= Number(length) };
}
