import type { Random } from './random.ts';

/** Bytes to send over one connection, how, and how it ends. */
export interface FuzzCase {
  readonly bytes: Buffer;
  /** Where the bytes are cut into writes, ascending. */
  readonly cuts: readonly number[];
  /** `fin` half-closes after the last byte; `reset` breaks off there; `linger` waits for the other side first. */
  readonly end: 'fin' | 'reset' | 'linger';
}

type Field = [name: string, value: string];

interface Draft {
  method: string;
  target: string;
  version: string;
  fields: Field[];
  body: string;
  newline: string;
}

/** A body that is a request: an endpoint that reads a message's end wrongly serves it. */
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n';
const nasty = ['\0', '\r', '\n', '\r\n', ' ', '\t', ':', ';', ',', '\x0b', '\x7f', '\x80', '\xff', '0', 'x', '"', '\\'];
const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'PURGE',
  'CONNECT',
  'BREW',
  'LIST',
  'VERSION-CONTROL',
  'get',
  'PRI',
  '',
];
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTTP/11',
  'HTTP/1.',
  'http/1.1',
  '',
  'HTTP/1.1 x',
];
const targets = [
  '/',
  '/a?b=c',
  '/%zz',
  '//a/../b',
  '*',
  'http://web/x',
  'http://other/x',
  'http://u@web/',
  'web:80',
  'x',
  '/\x80',
  '/#f',
  `/${'p'.repeat(9000)}`,
];
const lengths = [
  '0',
  '5',
  '+5',
  '-5',
  '5, 5',
  '5 5',
  '0x5',
  '05',
  '5\t',
  '99999999999999999999',
  '1e3',
  '',
  'five',
  '38',
];
const codings = [
  'chunked',
  'Chunked',
  'chunked ',
  ' chunked',
  'xchunked',
  'chunked, identity',
  'identity, chunked',
  'gzip, chunked',
  'identity',
  'chunked, chunked',
  '\tchunked',
  '"chunked"',
  '',
];
const hosts = ['web', 'WEB.', 'web:80', 'web:', 'web:x', 'other', '', 'a b', 'web,web', '[::1]', 'web/x', 'u@web'];
const others: readonly Field[] = [
  ['Connection', 'close'],
  ['Connection', 'keep-alive'],
  ['Connection', 'host'],
  ['Connection', 'content-length, x-forwarded-for'],
  ['Connection', 'upgrade'],
  ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'],
  ['Expect', '100-continue'],
  ['Expect', 'the worst'],
  ['TE', 'trailers'],
  ['Trailer', 'x'],
  ['Keep-Alive', 'timeout=5'],
  ['X-Forwarded-For', '6.6.6.6'],
  ['X-Scaler-Hop', 'default/web'],
  ['X-Scaler-Target', 'default/web'],
  ['Forwarded', 'for=6.6.6.6'],
  ['Cookie', 'a=b'],
  ['X-Long', 'v'.repeat(20_000)],
  ['X-Longer', 'v'.repeat(70_000)],
  ['Sec-WebSocket-Key', 'x'],
];
const chunkSizes = [
  '26',
  '0026',
  '26;a=b',
  '26;a\nb',
  '26 ',
  ' 26',
  '0x26',
  '+26',
  '-1',
  'ffffffffffffffff',
  '25',
  '27',
  'zz',
  '',
];

/** One malformed, or at least odd, conversation. */
export function fuzzCase(random: Random): FuzzCase {
  let text = '';
  const requests = random.oneIn(4) ? 1 + random.below(4) : 1;
  for (let i = 0; i < requests; i++) text += textOf(draft(random), random);
  const times = random.oneIn(3) ? 1 + random.below(3) : 0;
  for (let i = 0; i < times; i++) text = mutateBytes(text, random);
  const bytes = Buffer.from(text, 'latin1');
  return {
    bytes,
    cuts: cutsOf(bytes.length, random),
    end: random.pick(['fin', 'fin', 'linger', 'linger', 'reset'] as const),
  };
}

function draft(random: Random): Draft {
  const post = random.oneIn(2);
  const one: Draft = {
    method: post ? 'POST' : 'GET',
    target: '/',
    version: 'HTTP/1.1',
    fields: [['Host', 'web'], ...(post ? [['Content-Length', String(smuggled.length)] as Field] : [])],
    body: post ? smuggled : '',
    newline: '\r\n',
  };
  const times = random.below(3);
  for (let i = 0; i < times; i++) random.pick(changes)(one, random);
  return one;
}

const changes: readonly ((one: Draft, random: Random) => void)[] = [
  (one, random) => void (one.method = random.pick(methods)),
  (one, random) => void (one.version = random.pick(versions)),
  (one, random) => void (one.target = random.pick(targets)),
  (one, random) => addField(one, ['Content-Length', random.pick(lengths)], random),
  (one, random) => addField(one, ['Transfer-Encoding', random.pick(codings)], random),
  (one, random) => addField(one, ['Host', random.pick(hosts)], random),
  (one, random) => addField(one, random.pick(others), random),
  (one, random) => void one.fields.splice(random.below(one.fields.length), 1),
  (one, random) => void (one.newline = random.pick(['\n', '\r', '\r\n ', '\r\n\t'])),
  (one, random) => makeChunked(one, random),
  (one, random) => {
    const field = random.pick(one.fields) ?? ['', ''];
    field[0] = random.pick([
      `${field[0]} `,
      ` ${field[0]}`,
      field[0].toUpperCase(),
      `${field[0]}\t`,
      field[0].replace('-', '_'),
      '',
    ]);
  },
  (one, random) => {
    for (let i = 0; i < 200; i++) addField(one, [`X-${i}`, 'y'], random);
  },
];

function addField(one: Draft, field: Field, random: Random): void {
  const at = random.below(one.fields.length + 1);
  // In place of one of that name as often as beside it.
  const same = one.fields.findIndex(([name]) => name === field[0]);
  if (same !== -1 && random.oneIn(2)) one.fields[same] = [...field];
  else one.fields.splice(at, 0, [...field]);
}

function makeChunked(one: Draft, random: Random): void {
  one.method = 'POST';
  if (random.oneIn(3)) one.fields = one.fields.filter(([name]) => name !== 'Content-Length');
  addField(one, ['Transfer-Encoding', 'chunked'], random);
  const size = random.oneIn(3) ? random.pick(chunkSizes) : smuggled.length.toString(16);
  const end = random.oneIn(4)
    ? random.pick(['0\r\nX-Trailer: y\r\n\r\n', '0\r\nContent-Length: 5\r\n\r\n', '0\n\n', '00\r\n\r\n', ''])
    : '0\r\n\r\n';
  one.body = `${size}\r\n${smuggled}\r\n${end}`;
}

function textOf({ method, target, version, fields, body, newline }: Draft, random: Random): string {
  const ends = (): string => (random.oneIn(3) ? newline : '\r\n');
  const lines = fields.map(([name, value]) => `${name}: ${value}${ends()}`).join('');
  return `${method} ${target} ${version}${ends()}${lines}\r\n${body}`;
}

function mutateBytes(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(16));
  switch (random.below(5)) {
    case 0:
      return text.slice(0, at) + random.pick(nasty) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, end) + text.slice(at, end) + text.slice(end);
    case 3:
      return text.slice(0, at);
    default:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
  }
}

function cutsOf(length: number, random: Random): number[] {
  if (length === 0 || random.oneIn(2)) return [];
  const count = random.oneIn(8) ? Math.min(length, 40) : 1 + random.below(4);
  return Array.from({ length: count }, () => random.below(length)).sort((a, b) => a - b);
}
