import type { Random } from '../random.ts';
import type { Field } from './http2/frames.ts';
import { cut, end, head, noise, type Script } from './http1/http1-client.ts';
import { answer } from './http1/http1-endpoint.ts';
import { oddField, oddStatus, someFields } from './odd-fields.ts';
import { flood, hear, send, type Step, wait } from './step.ts';

const key: Field = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='];
const accept: Field = ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='];
const agreed: Field[] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
];
const offer: Field[] = [...agreed, ['Sec-WebSocket-Version', '13'], key];

/** A frame of a WebSocket, masked with zeros where a client sends it. */
function wsFrame(opcode: number, payload: Uint8Array | string, masked: boolean): Buffer {
  const body = Buffer.from(payload as never);
  const size = body.length < 126 ? Buffer.from([body.length]) : Buffer.from([126, body.length >> 8, body.length & 255]);
  if (masked) size[0] = (size[0] ?? 0) | 128;
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, masked ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}

export function legalUpgradeClient(host: string, limitMs: number): Script {
  const steps: Step[] = [
    send('an offer', head('GET', '/chat', [['Host', host], ...offer])),
    { do: 'hear', bytes: 1, text: '101', limitMs },
    send('a text', wsFrame(1, 'hello', true)),
    { do: 'hear', bytes: 1, text: 'answer', limitMs },
    send('a close', wsFrame(8, Buffer.from([3, 232]), true)),
    { do: 'fin' },
  ];
  return { steps, legal: true };
}

export function legalUpgradeEndpoint(): Script {
  const steps: Step[] = [
    send('101', answer('101', [...agreed, accept], '')),
    hear(1, 40_000),
    send('a text', wsFrame(1, 'answer', false)),
    hear(1, 40_000),
    { do: 'fin' },
  ];
  return { steps, legal: true };
}

export function oddUpgradeClient(host: string, random: Random): Script {
  const protocols = [
    'websocket',
    'WebSocket',
    'h2c',
    'TLS/1.0',
    'websocket, h2c',
    'x/1',
    '',
    ',',
    'websocket/13',
    'h2c, websocket',
    'p'.repeat(5000),
    '\x80',
  ];
  const offered: Field[] = random.oneIn(3)
    ? offer
    : [
        ['Connection', random.pick(['Upgrade', 'upgrade, HTTP2-Settings', 'keep-alive, Upgrade', 'close, upgrade'])],
        ['Upgrade', random.pick(protocols)],
        key,
      ];
  const extra: Field[] = random.oneIn(3)
    ? someFields(random)
    : random.oneIn(3)
      ? [['HTTP2-Settings', random.pick(['AAMAAABkAAQAoAAAAAIAAAAA', '', '\xff'])]]
      : [];
  const body = random.oneIn(6) ? random.pick(['5', '0', '99']) : undefined;
  const fields: Field[] = [
    ['Host', host],
    ...offered,
    ...extra,
    ...(body === undefined ? [] : [['Content-Length', body] as const]),
  ];
  const early = random.oneIn(3)
    ? [send('early bytes', random.pick([wsFrame(1, 'early', true), noise(random), Buffer.alloc(40_000, 'e')]))]
    : [];
  const steps = [
    send('an offer', head(random.pick(['GET', 'GET', 'GET', 'POST', 'HEAD', 'CONNECT']), '/chat', fields)),
    ...early,
    hear(),
    ...random.pick(afterwards)(random),
  ];
  return { steps: [...cut(steps, random), ...end(random)], legal: false };
}

const afterwards: readonly ((random: Random) => Step[])[] = [
  () => [],
  (random) => [
    send(
      'frames',
      Buffer.concat([
        wsFrame(1, 'text', true),
        wsFrame(9, '', true),
        wsFrame(random.below(16), noise(random, 200), random.oneIn(2)),
      ]),
    ),
    hear(1, 100),
  ],
  (random) => [
    send('a huge length', Buffer.from([0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255])),
    flood('bytes', 'w'.repeat(16_000), random.pick([4, 100]), 200),
  ],
  () => [{ do: 'stop-reading' }, wait(450)],
  (random) => [flood('pings', wsFrame(9, '', true), random.pick([100, 20_000]), 150)],
  (random) => [
    send('another request', head('GET', '/smuggled', [['Host', 'x']])),
    hear(1, 100),
    send('noise', noise(random)),
  ],
  () => [{ do: 'fin' }, hear(1, 300)],
];

export function oddUpgradeEndpoint(random: Random): Script {
  const steps = random.pick(answers)(random);
  return { steps: [...cut(steps, random), ...end(random)], legal: false };
}

const answers: readonly ((random: Random) => Step[])[] = [
  (random) => [send('a status', answer(oddStatus(random), random.oneIn(2) ? agreed : [], random.pick(['', 'raw'])))],
  (random) => [
    send('a status', answer(oddStatus(random), [...agreed, ['Content-Length', random.pick(['0', '5', '9'])]], 'hello')),
  ],
  (random) => [
    send('a 1xx', answer(random.pick(['100', '102', '103']), [oddField(random)], '')),
    send('101', answer('101', [...agreed, accept], '')),
  ],
  (random) => [
    flood('1xx', answer('103', [['Link', 'x']], ''), random.pick([5, 50_000]), 300),
    send('101', answer('101', [...agreed, accept], '')),
  ],
  (random) => [
    send(
      '101 of another',
      answer(
        '101',
        [
          ['Connection', random.pick(['Upgrade', 'close', 'keep-alive', ''])],
          ['Upgrade', random.pick(['h2c', 'x', '', 'websocket, h2c', '\xff'])],
        ],
        'x',
      ),
    ),
  ],
  () => [send('101 without Upgrade', answer('101', [], 'raw'))],
  (random) => [send('101 of odd fields', answer('101', [...agreed, ...someFields(random)], ''))],
  (random) => [
    send(
      '101 with framing',
      answer(
        '101',
        [
          ...agreed,
          random.pick([
            ['Content-Length', '5'],
            ['Transfer-Encoding', 'chunked'],
          ] as const),
        ],
        '5\r\nhello\r\n0\r\n\r\n',
      ),
    ),
  ],
  (random) => [
    send('101', answer('101', [...agreed, accept], 'behind it')),
    flood('bytes', 'w'.repeat(16_000), random.pick([4, 200]), 200),
    hear(1, 100),
  ],
  (random) => [
    send(
      'a refusal',
      answer(
        random.pick(['200', '400', '401', '404', '426', '500']),
        [['Transfer-Encoding', 'chunked']],
        `5\r\nhello\r\n0\r\nx: y\r\n\r\n`,
      ),
    ),
    ...(random.oneIn(2) ? [send('more', 'HTTP/1.1 200 OK\r\n\r\n')] : []),
  ],
  (random) => [
    send('a refusal without an end', answer('403', [['Content-Length', '100000']], 'x')),
    wait(random.pick([0, 450])),
  ],
  (random) => [send('noise', noise(random))],
  (random) => [
    send('101', answer('101', [...agreed, accept], '')),
    { do: 'stop-reading' },
    wait(random.pick([100, 450])),
  ],
  (random) => [
    send('the beginning of a head', 'HTTP/1.1 101 Switching\r\nx: '),
    flood('what does not end', random.pick(['y', 'a: b\r\n']), random.pick([10, 80_000])),
    wait(random.pick([0, 450])),
  ],
];
