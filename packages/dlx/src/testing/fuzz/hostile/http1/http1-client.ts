import type { Random } from '../../random.ts';
import type { Field } from '../http2/frames.ts';
import { oddField, someFields } from '../odd-fields.ts';
import { flood, hear, send, type Step, wait } from '../step.ts';

/** What one side does, and whether it keeps to what the protocol says. */
export interface Script {
  readonly steps: readonly Step[];
  readonly legal: boolean;
}

const methods = [
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'OPTIONS',
  'DELETE',
  'PATCH',
  'TRACE',
  'CONNECT',
  'PRI',
  'SUBSCRIBE',
  'x',
];
const targets = [
  '*',
  'http://other/',
  '//x',
  '/%00',
  '/a b',
  `/${'p'.repeat(8000)}`,
  `/?${'q'.repeat(60_000)}`,
  'x:1',
  '/#',
];
const extensions = [';a=b', ';a="\\""', `;${'e'.repeat(9000)}`, ';', ';a\n', ' ', ';=', `;${'a;'.repeat(3000)}`];

/** A client that asks as it should, once or a few times, with any body there may be. */
export function legalHttp1Client(host: string, random: Random, limitMs: number): Script {
  const steps: Step[] = [];
  for (let i = random.oneIn(4) ? 1 + random.below(3) : 1; i > 0; i--) {
    const size = random.oneIn(3) ? 0 : random.pick([1, 1000, 70_000, 300_000]);
    const chunked = random.oneIn(2);
    const body = 'b'.repeat(size);
    if (size === 0) steps.push(send('a request', head('GET', '/', [['Host', host]])));
    else {
      const framing: Field = chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(size)];
      steps.push(send('a head', head('POST', '/', [['Host', host], framing])));
      const bytes = chunked ? `${size.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
      steps.push(send('its body', bytes, random.pick([1, 2, 5])));
    }
    steps.push({ do: 'hear', bytes: 1, text: 'answer', limitMs });
  }
  return { steps: [...steps, { do: 'fin' }], legal: true };
}

/** Any other client. */
export function oddHttp1Client(host: string, random: Random): Script {
  const steps = random.pick(oddities)(host, random);
  return { steps: [...cut(steps, random), ...end(random)], legal: false };
}

type Oddity = (host: string, random: Random) => Step[];

const oddities: readonly Oddity[] = [
  withTrailers,
  withTrailers,
  (host, random) => [
    send('a head of odd fields', head(random.pick(methods), '/', [['Host', host], ...someFields(random)])),
    hear(),
  ],
  (host, random) => [send('an odd target', head(random.pick(methods), random.pick(targets), [['Host', host]])), hear()],
  (host, random) => {
    const one = head('GET', '/', [['Host', host]]);
    return [flood('pipelined requests', one, random.pick([5, 40, 700, 3000])), hear()];
  },
  (host, random) => {
    const [expected, body] = [
      random.pick(['100-continue', '100-Continue', 'all', '100-continue, x']),
      'b'.repeat(3000),
    ];
    const expecting = head('POST', '/', [
      ['Host', host],
      ['Expect', expected],
      ['Content-Length', '3000'],
    ]);
    return [send('an expectation', expecting), ...(random.oneIn(2) ? [hear()] : []), send('its body', body), hear()];
  },
  (host, random) => {
    const chunk = `5${random.pick(extensions)}\r\nhello\r\n`;
    return [
      chunkedHead(host),
      flood('chunks with extensions', chunk, random.pick([1, 30, 1000])),
      send('the end', '0\r\n\r\n'),
      hear(),
    ];
  },
  (host, random) => [
    chunkedHead(host),
    flood('tiny chunks', '1\r\nx\r\n', random.pick([100, 20_000])),
    send('the end', '0\r\n\r\n'),
    hear(),
  ],
  (host, random) => {
    const [said, sent] = [random.pick([0, 10, 1000, 1e9]), random.pick([0, 9, 999, 200_000])];
    const lying = head('PUT', '/', [
      ['Host', host],
      ['Content-Length', String(said)],
    ]);
    return [send('a lying length', lying), send('another body', 'b'.repeat(sent)), hear()];
  },
  (host, random) => [
    send(
      'a big upload',
      head('POST', '/', [
        ['Host', host],
        ['Content-Length', '50000000'],
      ]),
    ),
    flood('its body', 'u'.repeat(16_384), 200, random.pick([50, 400])),
    hear(),
  ],
  (host, random) => [
    { do: 'stop-reading' },
    flood('requests whose answers are not read', head('GET', '/', [['Host', host]]), random.pick([1, 10, 300])),
    wait(random.pick([100, 500])),
  ],
  (host, random) => [
    send('the beginning of a head', `GET / HTTP/1.1\r\nHost: ${host}\r\nx: `),
    flood('what does not end', random.pick(['y', 'a: b\r\n', 'a:\r\n']), random.pick([10, 5000, 80_000])),
    wait(random.pick([0, 300])),
  ],
  (_host, random) => [send('noise', noise(random)), hear()],
  (host, random) => {
    const odd = [oddField(random), oddField(random)];
    return [send('odd fields', head('GET', '/', [['Host', host], ...odd]), random.pick([1, 20])), hear()];
  },
  (host, random) => {
    const old = `GET / ${random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'ICY'])}\r\nHost: ${host}\r\n\r\n`;
    return [send('another version', old), hear()];
  },
];

function withTrailers(host: string, random: Random): Step[] {
  const trailers = lines(someFields(random));
  const version = random.oneIn(10) ? 'GET' : 'POST';
  const named: Field[] = random.oneIn(2)
    ? [
        ['Trailer', 'x-one'],
        ['TE', 'trailers'],
      ]
    : [];
  return [
    send('a head', head(version, '/', [['Host', host], ['Transfer-Encoding', 'chunked'], ...named])),
    send('a chunk', '5\r\nhello\r\n'),
    ...(random.oneIn(4) ? [hear(1, 100)] : []),
    send('trailers', `0\r\n${trailers}\r\n`, random.pick([1, 1, 7])),
    hear(),
  ];
}

function chunkedHead(host: string): Step {
  return send(
    'a head',
    head('POST', '/', [
      ['Host', host],
      ['Transfer-Encoding', 'chunked'],
    ]),
  );
}

export function head(method: string, target: string, fields: readonly Field[]): string {
  return `${method} ${target} HTTP/1.1\r\n${lines(fields)}\r\n`;
}

export function lines(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

export function noise(random: Random, most = 2000): Buffer {
  const bytes = Buffer.alloc(random.below(most));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  return bytes;
}

/** Leaves off at any of its states, now and then. */
export function cut(steps: readonly Step[], random: Random): Step[] {
  if (!random.oneIn(4)) return [...steps];
  const kept = steps.slice(0, 1 + random.below(steps.length));
  const last = kept.at(-1);
  if (last?.do !== 'send' || typeof last.bytes === 'function') return kept;
  kept[kept.length - 1] = send(`a part of ${last.what}`, last.bytes.subarray(0, random.below(last.bytes.length)));
  return kept;
}

export function end(random: Random): Step[] {
  switch (random.below(6)) {
    case 0:
      return [{ do: 'reset' }];
    case 1:
      return [{ do: 'fin' }];
    case 2:
      return [{ do: 'fin' }, hear(1, 200), { do: 'reset' }];
    case 3:
      return [wait(random.pick([100, 450]))];
    default:
      return [];
  }
}
