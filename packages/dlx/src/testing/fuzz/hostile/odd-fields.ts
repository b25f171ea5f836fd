import type { Random } from '../random.ts';
import type { Field } from './http2/frames.ts';

const oddNames = [
  'connection',
  'Connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'Transfer-Encoding',
  'te',
  'TE',
  'trailer',
  'upgrade',
  'Upgrade',
  'http2-settings',
  'HTTP2-Settings',
  'content-length',
  'content-type',
  'host',
  'date',
  'etag',
  'age',
  'authorization',
  'cookie',
  'set-cookie',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-scaler-target',
  'x-scaler-hop',
  'grpc-status',
  'grpc-timeout',
  'grpc-message',
  'proxy-authenticate',
  'www-authenticate',
  'sec-websocket-key',
  'sec-websocket-accept',
  'sec-websocket-protocol',
  'access-control-allow-credentials',
  'x-content-type-options',
  'dnt',
  'tk',
  'upgrade-insecure-requests',
  'purpose',
  'location',
  'user-agent',
  'from',
  'referer',
  'retry-after',
  'server',
  'max-forwards',
  'if-none-match',
  'content-encoding',
  'content-range',
  'content-location',
  'last-modified',
  ':status',
  ':path',
  ':method',
  ':authority',
  ':scheme',
  ':protocol',
  ':odd',
  ':',
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'X-Upper',
  'x y',
  'x\ty',
  'x\0y',
  'x\r\ny',
  'x:y',
  'x\x7f',
  'caf\xe9',
  '(x)',
  'x-bin',
  'x'.repeat(300),
] as const;

const oddValues = [
  'x',
  '',
  ' ',
  ' padded ',
  '0',
  '5',
  '-1',
  'chunked',
  'identity',
  'close',
  'keep-alive',
  'upgrade',
  'websocket',
  'h2c',
  'trailers',
  'gzip, trailers',
  'AAMAAABkAAQAoAAAAAIAAAAA',
  'host, content-length, te',
  '100-continue',
  '1S',
  '99999999H',
  '\x80\xff\xfe',
  'a\0b',
  'a\rb',
  'a\nb',
  'a\r\nx-injected: 1',
  '\x7f',
  'caf\xe9',
  'v'.repeat(4000),
  'v'.repeat(20_000),
  'multipart/byteranges; boundary=x',
  'application/grpc',
  ','.repeat(500),
] as const;

export function oddField(random: Random): Field {
  return [random.pick(oddNames), random.pick(oddValues)];
}

/** None, one, a few, many tiny or one big. */
export function someFields(random: Random, most = 2500): Field[] {
  switch (random.below(12)) {
    case 0:
      return Array.from({ length: 1 + random.below(most) }, () => ['a', ''] as const);
    case 1:
      return Array.from({ length: 1 + random.below(600) }, (_, i) => [`x-${i}`, 'y'] as const);
    case 2:
      return [['x-big', 'b'.repeat(random.pick([1000, 30_000, 60_000, 66_000, 100_000]))]];
    case 3:
      return Array.from({ length: random.below(40) }, () => oddField(random));
    case 4:
      return [];
    default:
      return Array.from({ length: 1 + random.below(3) }, () => oddField(random));
  }
}

/** Of three digits mostly, all of them there are; sometimes of another number of them, or none. */
export function oddStatus(random: Random): string {
  if (random.oneIn(12))
    return random.pick(['', '0', '00', '99', '1000', '2000', '20x', '-1', '+200', ' 200', '2 0', '٢٠٠']);
  if (random.oneIn(3)) {
    return random.pick([
      '000',
      '001',
      '099',
      '100',
      '101',
      '102',
      '103',
      '199',
      '200',
      '204',
      '205',
      '206',
      '304',
      '401',
      '407',
      '413',
      '417',
      '421',
      '426',
      '500',
      '599',
      '600',
      '999',
    ]);
  }
  return String(random.below(1000)).padStart(3, '0');
}
