import type { Random } from '../../random.ts';
import {
  bomb,
  data,
  endHeaders,
  endStream,
  frame,
  goaway,
  headers,
  preface,
  resetStream,
  settings,
  types,
  windowUpdate,
} from './frames.ts';
import { cut, end, noise, type Script } from '../http1/http1-client.ts';
import { type Oddity, oddHead, pseudo, request } from './http2-requests.ts';
import { oddField, someFields } from '../odd-fields.ts';
import { floods, oddFrames, ping } from './odd-frames.ts';
import { flood, hear, send, type Step, wait } from '../step.ts';

const opening = Buffer.concat([preface, settings([[4, 1_000_000]]), windowUpdate(0, 10_000_000)]);
const codes = [0, 1, 2, 3, 5, 7, 8, 11, 13, 14, 99, 0xffffffff];

export function legalHttp2Client(host: string, random: Random, limitMs: number): Script {
  const steps: Step[] = [send('the opening', opening)];
  const streams = random.oneIn(4) ? 1 + random.below(4) : 1;
  for (let i = 0; i < streams; i++) {
    const stream = 1 + 2 * i;
    const size = random.oneIn(3) ? 0 : random.pick([1, 1000, 60_000, 300_000]);
    const post = size > 0;
    steps.push(send('a request', request(stream, host, post ? 'POST' : 'GET', [], post ? 0 : endStream)));
    const trailing = random.oneIn(4);
    if (post) steps.push({ do: 'upload', stream, size, end: !trailing, limitMs });
    if (post && trailing) steps.push(send('trailers', headers(stream, [['x-checksum', 'abc']], endStream)));
  }
  return { steps: [...steps, { do: 'hear', bytes: 1, text: 'answer', limitMs }, { do: 'fin' }], legal: true };
}

export function oddHttp2Client(host: string, random: Random): Script {
  const steps = random.pick(oddities)(host, random);
  return { steps: [send('the opening', oddOpening(random)), ...cut(steps, random), ...end(random)], legal: false };
}

function oddOpening(random: Random): Buffer {
  if (!random.oneIn(3)) return opening;
  return Buffer.concat([
    preface,
    settings(
      random.pick([
        [],
        [[4, 0]],
        [[4, 1]],
        [[4, 0x7fffffff]],
        [[4, 0x80000000]],
        [[5, 0xffffff]],
        [[5, 1]],
        [[1, 0]],
        [[1, 0xffffffff]],
        [[3, 0]],
        [[6, 0]],
        [[6, 100]],
        [[2, 2]],
        [[8, 1]],
        [[0xf000, 7]],
        Array.from({ length: 400 }, (_, i) => [i % 65_536, i] as const),
      ] as [number, number][][]),
    ),
  ]);
}

const oddities: readonly Oddity[] = [
  withTrailers,
  withTrailers,
  (host, random) => [send('odd fields', request(1, host, 'GET', someFields(random), endStream)), hear()],
  (host, random) => [
    send('odd fields', request(1, host, 'POST', [oddField(random), oddField(random)], 0)),
    send('data', data(1, 'x', endStream)),
    hear(),
  ],
  (_host, random) => [send('an odd head', headers(1, oddHead(random), random.pick([0, endStream]))), hear()],
  (host, random) => [
    send('an upload', request(1, host, 'POST', [], 0)),
    upload(random),
    ...aboutUpload(random),
    hear(),
  ],
  (host, random) => manyUploads(host, random),
  (host, random) => manyUploads(host, random),
  (host, random) => {
    // Each opened and cancelled at once.
    const pairs = Array.from({ length: 400 }, (_, i) =>
      Buffer.concat([request(1 + 2 * i, host, 'GET', [], endStream), resetStream(1 + 2 * i, random.pick(codes))]),
    );
    return [send('rapid resets', Buffer.concat(pairs)), hear()];
  },
  (host, random) => {
    const count = random.pick([10, 100, 1200]);
    const all = Array.from({ length: count }, (_, i) => request(1 + 2 * i, host, 'GET', [], endStream));
    return [send('many streams', Buffer.concat(all)), hear(), ...(random.oneIn(2) ? [{ do: 'reset' } as const] : [])];
  },
  (host, random) => [
    send('a shut window', settings([[4, 0]])),
    ...[1, 3, 5, 7].map((stream) => send('a request', request(stream, host, 'GET', [], endStream))),
    ...(random.oneIn(2) ? [flood('windows by the byte', windowUpdate(1, 1), 200)] : []),
    wait(random.pick([100, 500])),
  ],
  (host, random) => [
    { do: 'stop-reading' },
    send('a request', request(1, host, 'GET', [], endStream)),
    flood('pings', ping, random.pick([10, 20_000])),
    wait(random.pick([50, 450])),
  ],
  ...floods(),
  (host, random) => {
    const begin = frame(types.headers, endStream, 1, Buffer.alloc(0));
    return [
      send('a head without an end', begin),
      flood(
        'continuations',
        frame(types.continuation, 0, 1, Buffer.alloc(random.pick([0, 3, 1000]), 0)),
        random.pick([5, 5000]),
      ),
      send(host, frame(types.continuation, endHeaders, 1, Buffer.alloc(0))),
      hear(1, 100),
    ];
  },
  (host, random) => [
    send(
      'a bomb',
      headers(1, bomb(pseudo(host, 'GET'), random.pick([100, 1000, 4000]), random.pick([10, 1000, 15_000])), endStream),
    ),
    hear(),
  ],
  (host, random) => [
    send('a request', request(1, host, 'POST', [], 0)),
    flood('empty data', data(1, ''), random.pick([10, 20_000])),
    send('the end', data(1, '', endStream)),
    hear(),
  ],
  (host, random) => [
    send('a request', request(1, host, 'POST', [], 0)),
    send(
      'a farewell',
      goaway(random.pick([0, 1, 0x7fffffff]), random.pick(codes), 'x'.repeat(random.pick([0, 10, 10_000]))),
    ),
    send('more', data(1, 'x', endStream)),
    send('another', request(3, host, 'GET', [], endStream)),
    hear(),
  ],
  (host, random) => [
    send('a request', request(1, host, 'POST', [], 0)),
    send('odd frames', oddFrames(random)),
    hear(1, 150),
    send('the end', data(1, 'x', endStream)),
    hear(1, 150),
  ],
  (host, random) => [
    send(
      'a length that lies',
      request(1, host, 'POST', [['content-length', random.pick(['0', '3', '1000', '-1', '5, 5', 'x'])]], 0),
    ),
    send('data', data(1, 'hello', endStream)),
    hear(),
  ],
  (host, random) => [
    send('more than the window', request(1, host, 'POST', [], 0)),
    flood('data', data(1, Buffer.alloc(16_384, 'o')), random.pick([5, 100])),
    hear(),
  ],
  (_host, random) => [send('noise', noise(random)), hear(1, 150)],
  (host, random) => [
    send('a request', request(1, host, random.pick(['CONNECT', 'HEAD', 'OPTIONS', 'get', '', 'TRACE']), [], endStream)),
    hear(),
  ],
  (host, random) => [
    send(
      'a call',
      request(
        1,
        host,
        'POST',
        [
          ['content-type', 'application/grpc'],
          ['te', 'trailers'],
          ['grpc-timeout', random.pick(['1m', '99999999H', '0n', 'x', '100m', '-1S'])],
        ],
        0,
      ),
    ),
    send('a message', data(1, '\0\0\0\0\x01x')),
    hear(1, 200),
    random.pick([send('the end', data(1, '', endStream)), send('a cancel', resetStream(1, 8))]),
    hear(),
  ],
];

function upload(random: Random): Step {
  return {
    do: 'upload',
    stream: 1,
    size: random.pick([1000, 70_000, 1_000_000]),
    end: random.oneIn(2),
    limitMs: random.pick([50, 300]),
  };
}

function aboutUpload(random: Random): Step[] {
  switch (random.below(5)) {
    case 0:
      return [send('a cancel', resetStream(1, random.pick(codes)))];
    case 1:
      return [send('trailers', headers(1, [oddField(random)], endStream))];
    case 2:
      return [send('the end', data(1, '', endStream)), send('past the end', data(1, 'x'))];
    case 3:
      return [wait(450)];
    default:
      return [];
  }
}

/** Several at once on one connection, as a page that sends files does. */
function manyUploads(host: string, random: Random): Step[] {
  const streams = Array.from({ length: 2 + random.below(6) }, (_, i) => 1 + 2 * i);
  const cancels = random.oneIn(3);
  return [
    ...streams.map((stream) => send('an upload', request(stream, host, 'POST', [], 0))),
    ...streams.map((stream): Step => ({ do: 'upload', stream, size: 100_000, end: true, limitMs: 60 })),
    hear(1, 200),
    ...(cancels ? streams.map((stream) => send('a cancel', resetStream(stream, random.pick(codes)))) : []),
    hear(1, 200),
  ];
}

function withTrailers(host: string, random: Random): Step[] {
  const size = random.pick([0, 5, 5, 5000]);
  return [
    send('a request', request(1, host, 'POST', random.oneIn(2) ? [['te', 'trailers']] : [], 0)),
    ...(size > 0 ? [send('data', data(1, 'd'.repeat(size)))] : []),
    ...(random.oneIn(3) ? [hear(1, 100)] : []),
    send('trailers', headers(1, someFields(random), random.oneIn(8) ? 0 : endStream)),
    hear(),
  ];
}
