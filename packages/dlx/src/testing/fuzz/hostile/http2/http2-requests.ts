import type { Random } from '../../random.ts';
import { type Field, headers } from './frames.ts';
import { oddField } from '../odd-fields.ts';
import type { Step } from '../step.ts';

/** What a client does that is odd. */
export type Oddity = (host: string, random: Random) => Step[];

const pseudoOf: readonly (readonly Field[])[] = [
  [
    [':method', 'GET'],
    [':path', '/'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', ''],
  ],
  [
    [':scheme', 'http'],
    [':path', '/'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'ftp'],
    [':path', '/'],
  ],
  [
    [':method', 'GET'],
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/'],
  ],
  [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', '/'],
  ],
  [
    [':method', 'OPTIONS'],
    [':scheme', 'http'],
    [':path', '*'],
  ],
  [
    [':method', 'G T'],
    [':scheme', 'http'],
    [':path', '/\r\nx: y'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', `/${'p'.repeat(60_000)}`],
  ],
  [
    ['x', 'y'],
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
  ],
  [],
];

export function oddHead(random: Random): Field[] {
  return [...random.pick(pseudoOf), ...(random.oneIn(2) ? [oddField(random)] : [])];
}

export function pseudo(host: string, method: string): Field[] {
  return [
    [':method', method],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', host],
  ];
}

export function request(stream: number, host: string, method: string, fields: readonly Field[], flags: number): Buffer {
  return headers(stream, [...pseudo(host, method), ...fields], flags);
}
