import type { Random } from '../../random.ts';
import {
  bomb,
  data,
  endHeaders,
  endStream,
  type Field,
  frame,
  goaway,
  headers,
  resetStream,
  settings,
  types,
  windowUpdate,
} from './frames.ts';
import { cut, noise } from '../http1/http1-client.ts';
import { oddField, oddStatus, someFields } from '../odd-fields.ts';
import { oddFrames, ping } from './odd-frames.ts';
import { flood, hear, send, type Step, wait } from '../step.ts';

/** What an app that speaks HTTP/2 does on each connection, and then on each stream. */
export interface Http2Script {
  readonly opening: readonly Step[];
  readonly steps: readonly Step[];
  readonly legal: boolean;
  readonly acknowledges: boolean;
  readonly grants: boolean;
}

const codes = [0, 1, 2, 5, 7, 8, 11, 13, 99];
const ok: Field[] = [[':status', '200']];

export function legalHttp2Endpoint(random: Random): Http2Script {
  const trailing = random.oneIn(3);
  const answer = (stream: number): Buffer =>
    Buffer.concat([
      headers(stream, [...ok, ['content-type', 'text/plain']]),
      data(stream, 'answer', trailing ? 0 : endStream),
      ...(trailing ? [headers(stream, [['x-trailer', 'y']], endStream)] : []),
    ]);
  return {
    opening: [send('SETTINGS', Buffer.concat([settings([[3, 100]]), windowUpdate(0, 1_000_000)]))],
    steps: [send('an answer', answer)],
    ...{ legal: true, acknowledges: true, grants: true },
  };
}

export function oddHttp2Endpoint(random: Random): Http2Script {
  const before = random.oneIn(3) ? [hear(random.pick([1, 5000, 60_000]), 150)] : [];
  return {
    opening: oddOpening(random),
    steps: [...before, ...cut(random.pick(oddities)(random), random), ...leave(random)],
    legal: false,
    acknowledges: !random.oneIn(6),
    grants: random.oneIn(2),
  };
}

function oddOpening(random: Random): Step[] {
  const plain = send('SETTINGS', settings([[3, 100]]));
  if (!random.oneIn(3)) return [plain];
  const odd = [
    [[4, 0]],
    [[4, 1]],
    [[4, 0x7fffffff]],
    [[4, 0x80000000]],
    [[3, 0]],
    [[3, 1]],
    [[5, 1]],
    [[5, 0xffffff]],
    [[6, 1]],
    [[1, 0]],
    [[2, 1]],
    [[0xf00, 1]],
  ];
  return random.pick<Step[]>([
    [],
    [wait(200), plain],
    [send('odd SETTINGS', settings(random.pick(odd) as [number, number][]))],
    [plain, send('odd frames', oddFrames(random))],
    [plain, flood('SETTINGS', settings([[4, 65_535]]), 3000, 100)],
    [plain, flood('pings', ping, 3000, 100)],
    [plain, send('a farewell', goaway(random.pick([0, 1, 0x7fffffff]), random.pick(codes)))],
    [send('no HTTP/2', 'HTTP/1.1 400 Bad Request\r\n\r\n')],
    [send('noise', noise(random))],
  ]);
}

type Oddity = (random: Random) => Step[];

function on(what: string, make: (stream: number) => Buffer): Step {
  return send(what, make);
}

const oddities: readonly Oddity[] = [
  (random) => {
    const status = oddStatus(random);
    return [
      on('a status', (stream) =>
        Buffer.concat([headers(stream, [[':status', status]]), data(stream, 'answer', endStream)]),
      ),
    ];
  },
  (random) => {
    const fields = someFields(random);
    return [on('odd fields', (stream) => headers(stream, [...ok, ...fields], endStream))];
  },
  (random) => {
    const fields = random.oneIn(2) ? [oddField(random)] : someFields(random);
    return [
      on('odd trailers', (stream) =>
        Buffer.concat([headers(stream, ok), data(stream, 'answer'), headers(stream, fields, endStream)]),
      ),
    ];
  },
  (random) => {
    const fields: Field[] = [
      [':status', random.pick(['100', '101', '102', '103', '199'])],
      ...(random.oneIn(2) ? [oddField(random)] : someFields(random, 300)),
    ];
    const one = (stream: number): Buffer => headers(stream, fields);
    return [
      flood('1xx', one, random.pick([1, 10, 3000, 50_000]), 300),
      on('an answer', (stream) => headers(stream, ok, endStream)),
    ];
  },
  ...early(['413', '401', '200', '500', '204', '304']),
  ...early(['413', '401', '200', '500', '204', '304']),
  (random) => {
    const code = random.pick(codes);
    return [...maybeHead(random), on('a reset', (stream) => resetStream(stream, code))];
  },
  (random) => {
    const [last, code] = [random.pick([0, 1, 3, 0x7fffffff]), random.pick(codes)];
    return [
      ...maybeHead(random),
      send('a farewell', goaway(last, code)),
      wait(random.pick([0, 50])),
      random.pick([{ do: 'fin' }, { do: 'reset' }, wait(100)] as const),
    ];
  },
  (random) => [
    ...maybeHead(random),
    random.pick([{ do: 'reset' }, { do: 'fin' }, { do: 'stop-reading' }] as const),
    wait(random.pick([0, 450])),
  ],
  (random) => [...maybeHead(random), send('odd frames', oddFrames(random))],
  (random) => [
    ...maybeHead(random),
    send(
      'SETTINGS',
      settings([
        [4, random.pick([0, 1, 0x7fffffff])],
        [3, random.pick([0, 1, 100])],
      ]),
    ),
    wait(random.pick([0, 400])),
  ],
  (random) => [...maybeHead(random), ...floodOf(random)],
  (random) => [
    on('a head', (stream) => headers(stream, ok)),
    flood('a body that does not end', (stream) => data(stream, Buffer.alloc(16_000, 'e')), random.pick([4, 200]), 200),
    ...maybeEnd(random),
  ],
  (random) => [
    on('a head', (stream) => headers(stream, ok)),
    flood('empty data', (stream) => data(stream, ''), random.pick([10, 20_000]), 200),
    ...maybeEnd(random),
  ],
  (random) => {
    const length = random.pick(['0', '3', '1000', '-1', '6, 6', 'x']);
    return [
      on('a lying length', (stream) =>
        Buffer.concat([headers(stream, [...ok, ['content-length', length]]), data(stream, 'answer', endStream)]),
      ),
    ];
  },
  (random) => {
    const [size, times] = [random.pick([100, 4000]), random.pick([10, 15_000])];
    return [on('a bomb', (stream) => headers(stream, bomb(ok, size, times), endStream))];
  },
  (random) => [
    on('a head without an end', (stream) => frame(types.headers, 0, stream, Buffer.from([0x88]))),
    flood(
      'continuations',
      (stream) => frame(types.continuation, 0, stream, Buffer.alloc(random.pick([0, 3]))),
      random.pick([5, 5000]),
      100,
    ),
    on('its end', (stream) => frame(types.continuation, endHeaders, stream, Buffer.alloc(0))),
  ],
  (random) => [
    on('a head', (stream) => headers(stream, ok)),
    on('two ends', (stream) =>
      Buffer.concat([
        data(stream, 'x', endStream),
        data(stream, 'y', endStream),
        headers(stream, [oddField(random)], endStream),
      ]),
    ),
  ],
  (random) => [on('no status', (stream) => headers(stream, [oddField(random)], random.pick([0, endStream]))), wait(50)],
  (random) => [send('noise', noise(random)), ...(random.oneIn(2) ? [{ do: 'fin' } as const] : [])],
];

/** Before the request is whole: the whole answer or its head, then a reset or not, granting window or not. */
function early(statuses: readonly string[]): Oddity[] {
  return statuses.map((status) => (random) => {
    const [whole, code] = [!random.oneIn(4), random.pick([...codes, undefined, undefined, undefined])];
    return [
      hear(random.pick([1, 1, 20_000, 60_000]), 60),
      on('an early answer', (stream) => headers(stream, [[':status', status]], whole ? endStream : 0)),
      wait(random.pick([0, 0, 30, 400])),
      ...(code === undefined ? [] : [on('a reset', (stream) => resetStream(stream, code))]),
      ...(random.oneIn(2)
        ? [on('more window', (stream) => Buffer.concat([windowUpdate(0, 100_000), windowUpdate(stream, 100_000)]))]
        : []),
      ...(whole ? [] : [on('the end', (stream) => data(stream, '', endStream))]),
    ];
  });
}

function floodOf(random: Random): Step[] {
  const one = random.pick<(stream: number) => Buffer>([
    () => settings([[4, 65_535]]),
    () => ping,
    (stream) => windowUpdate(stream, 1),
    (stream) => frame(types.priority, 0, stream, Buffer.from([0, 0, 0, 1, 16])),
    (stream) => resetStream(stream, 8),
    (stream) => frame(0xbe, 0, stream, Buffer.alloc(50)),
    (stream) => headers(stream, [['x-trailer', 'y']]),
  ]);
  return [flood('frames', one, random.pick([100, 10_000]), 200)];
}

function maybeHead(random: Random): Step[] {
  return random.oneIn(2) ? [on('a head', (stream) => Buffer.concat([headers(stream, ok), data(stream, 'part')]))] : [];
}

function maybeEnd(random: Random): Step[] {
  return random.oneIn(2) ? [on('the end', (stream) => data(stream, '', endStream))] : [];
}

function leave(random: Random): Step[] {
  if (!random.oneIn(5)) return [];
  return [wait(random.pick([0, 100])), random.pick([{ do: 'fin' }, { do: 'reset' }] as const)];
}
