import type { Random } from '../../random.ts';
import type { Field } from '../http2/frames.ts';
import { cut, end, lines, noise, type Script } from './http1-client.ts';
import { oddField, oddStatus, someFields } from '../odd-fields.ts';
import { flood, hear, send, type Step, wait } from '../step.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer';

/** An app that answers as it should, each request when it has come whole. */
export function legalHttp1Endpoint(random: Random): Script {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\n\r\n';
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';
  return {
    steps: [send('an answer', random.pick([ok, ok, chunked, early + ok]), random.pick([1, 1, 3]))],
    legal: true,
  };
}

export function oddHttp1Endpoint(random: Random): Script {
  const before = random.oneIn(3) ? [hear(random.pick([1, 5000, 100_000]), 150)] : [];
  const steps = random.pick(oddities)(random);
  return { steps: [...before, ...cut(steps, random), ...(random.oneIn(3) ? end(random) : [])], legal: false };
}

type Oddity = (random: Random) => Step[];

const oddities: readonly Oddity[] = [
  (random) => [send('a status', answer(oddStatus(random), [['Content-Length', '6']], 'answer'))],
  (random) => [send('a status without a length', answer(oddStatus(random), [], '')), { do: 'fin' }],
  (random) => [
    send(
      'an odd status line',
      `${random.pick(['HTTP/1.1 200', 'HTTP/1.1', 'HTTP/1.0 200 OK', 'HTTP/2.0 200 OK', 'http/1.1 200 OK', 'HTTP/1.1 200\tOK', 'HTTP/1.1 200 O\0K', 'HTTP/1.1 200 caf\xe9', `HTTP/1.1 200 ${'r'.repeat(70_000)}`, '\r\n\r\nHTTP/1.1 200 OK', 'ICY 200 OK', ''])}\r\nContent-Length: 0\r\n\r\n`,
    ),
  ],
  (random) => [send('odd fields', answer('200', [...someFields(random), ['Content-Length', '6']], 'answer'))],
  (random) => [send('a head to mend', mendable(random), random.pick([1, 2, 5]))],
  (random) => [
    send('odd fields', answer('200', [oddField(random), oddField(random), oddField(random)], 'answer')),
    { do: 'fin' },
  ],
  (random) => [send('a 1xx', informational(random)), send('a 1xx', informational(random)), send('an answer', ok)],
  (random) => [flood('1xx', informational(random), random.pick([10, 1000, 100_000]), 400), send('an answer', ok)],
  (random) => [flood('continues', 'HTTP/1.1 100 Continue\r\n\r\n', random.pick([3, 5000]), 200), send('an answer', ok)],
  (random) => [
    send(
      'a head',
      answer(
        '200',
        [['Transfer-Encoding', 'chunked'], ...(random.oneIn(2) ? [['Trailer', 'x'] as const] : [])],
        '6\r\nanswer\r\n',
      ),
    ),
    send('trailers', `0\r\n${lines(someFields(random))}\r\n`),
  ],
  (random) => [
    send(
      '101 unasked',
      answer(
        '101',
        random.oneIn(2)
          ? [
              ['Connection', 'upgrade'],
              ['Upgrade', random.pick(['websocket', 'h2c', ''])],
            ]
          : [],
        'raw bytes',
      ),
    ),
    hear(1, 100),
    { do: 'fin' },
  ],
  ...early(['413', '401', '200', '417', '500', '100', '304', '204']),
  (random) => [
    send(
      'an early answer and the end',
      answer(
        '413',
        [
          ['Connection', 'close'],
          ['Content-Length', '0'],
        ],
        '',
      ),
    ),
    random.pick([{ do: 'fin' }, { do: 'reset' }] as const),
  ],
  (random) => [
    random.pick([{ do: 'reset' }, { do: 'fin' }, { do: 'stop-reading' }] as const),
    wait(random.pick([0, 450])),
  ],
  (random) => [
    send(
      'a lying length',
      answer(
        '200',
        [
          [
            'Content-Length',
            random.pick(['3', '7', '1000000', '-6', '6, 6', '6, 7', '0x6', '99999999999999999999', 'six']),
          ],
        ],
        'answer',
      ),
    ),
    ...(random.oneIn(2) ? [{ do: 'fin' } as const] : []),
  ],
  (random) => [
    send(
      'two framings',
      answer(
        '200',
        [
          ['Content-Length', '6'],
          ['Transfer-Encoding', random.pick(['chunked', 'gzip', 'identity', 'gzip, chunked', 'chunked, chunked'])],
        ],
        '6\r\nanswer\r\n0\r\n\r\n',
      ),
    ),
  ],
  (random) => [
    send('a head', answer('200', [['Transfer-Encoding', 'chunked']], '')),
    send(
      'a chunk',
      random.pick([
        'zz\r\n',
        'ffffffffffffffff\r\n',
        '-1\r\n',
        `6;${'e'.repeat(20_000)}\r\nanswer\r\n`,
        '6\nanswer\n0\n\n',
        '6\r\nanswerX\r\n',
        '\r\n',
      ]),
    ),
    hear(1, 100),
  ],
  (random) => [
    send('a head', answer('200', [], '')),
    flood('a body that does not end', 'e'.repeat(16_384), 256, random.pick([100, 400])),
    random.pick([{ do: 'fin' }, { do: 'reset' }] as const),
  ],
  (random) => [
    send('a head', answer('200', [['Transfer-Encoding', 'chunked']], '')),
    flood('tiny chunks', '1\r\ne\r\n', random.pick([100, 30_000]), 300),
    send('the end', '0\r\n\r\n'),
  ],
  (random) => [
    send(
      'an answer and more',
      ok + random.pick([ok, 'HTTP/1.1 100 Continue\r\n\r\n', 'x', '\r\n', '\0'.repeat(5000), ok.repeat(500)]),
    ),
  ],
  (random) => [
    send('the beginning of a head', 'HTTP/1.1 200 OK\r\nx: '),
    flood('what does not end', random.pick(['y', 'a: b\r\n']), random.pick([10, 90_000])),
    wait(random.pick([0, 300])),
  ],
  (random) => [send('noise', noise(random)), ...(random.oneIn(2) ? [{ do: 'fin' } as const] : [])],
  (random) => [
    send('a part', 'HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n'),
    send('of the body', 'e'.repeat(random.below(60_000))),
    wait(random.pick([50, 500])),
    random.pick([{ do: 'fin' }, { do: 'reset' }] as const),
  ],
];

/** As old servers send it: every client reads it, and a strict parser does not. */
function mendable(random: Random): string {
  const length = random.pick([
    'Content-Length',
    'Content-Length ',
    'Content-Length: 6\r\nContent-Length',
    'X: y\r\n z\r\nContent-Length',
  ]);
  const text = `${random.pick(['HTTP/1.1', 'HTTP/1.2', '\r\nHTTP/1.0'])} ${random.pick(['200', '426', '204', '299 Odd'])}\r\n${length}: 6\r\nUpgrade: x\r\n\r\nanswer`;
  const before = random.oneIn(3) ? 'HTTP/1.1 100 Continue\r\n\r\n' : '';
  return before + (random.oneIn(2) ? text.replaceAll('\r\n', '\n') : text);
}

/** Before the request is whole, reading on or not. */
function early(statuses: readonly string[]): Oddity[] {
  return statuses.map((status) => (random) => [
    hear(random.pick([1, 10_000, 70_000]), 80),
    ...(random.oneIn(2) ? [{ do: 'stop-reading' } as const] : []),
    send(
      'an early answer',
      answer(status, [['Content-Length', status === '204' || status === '304' ? '0' : '5']], 'early'),
    ),
    wait(random.pick([0, 30, 400])),
    ...(random.oneIn(2) ? [{ do: 'read' } as const] : []),
  ]);
}

export function answer(status: string, fields: readonly Field[], body: string): string {
  return `HTTP/1.1 ${status} Odd\r\n${lines(fields)}\r\n${body}`;
}

function informational(random: Random): string {
  const status = random.pick(['100', '102', '103', '103', '104', '150', '199']);
  const fields = random.oneIn(2) ? [oddField(random), ['Content-Length', '5'] as const] : someFields(random, 300);
  return answer(status, random.oneIn(3) ? [['Link', '</a>']] : fields, '');
}
