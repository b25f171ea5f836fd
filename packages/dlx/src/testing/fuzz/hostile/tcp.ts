import type { Random } from '../random.ts';
import { cut, end, noise, type Script } from './http1/http1-client.ts';
import { flood, hear, send, type Step, wait } from './step.ts';

const tls = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03';
const beginnings = [
  tls,
  '\0\0\0\x08\x04\xd2\x16\x2f',
  '\0\0\0\x10\x04\xd2\x16\x2e',
  '*1\r\n$4\r\nPING\r\n',
  'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n',
  '\r\n\r\n\0\r\nQUIT\n',
  'GET / HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0',
  'x',
  '',
];

export function legalTcpClient(random: Random, limitMs: number): Script {
  const bytes = `${random.pick(['*1\r\n$4\r\nPING\r\n', 'hello\n'])}${'h'.repeat(random.pick([0, 1000, 100_000]))}`;
  const steps: Step[] = [send('a word', bytes), { do: 'hear', bytes: 1, text: 'answer', limitMs }, { do: 'fin' }];
  return { steps, legal: true };
}

export function legalTcpEndpoint(): Script {
  return { steps: [hear(1, 40_000), send('a word', 'answer'), hear(1e9, 40_000), { do: 'fin' }], legal: true };
}

export function oddTcpClient(random: Random): Script {
  const first = random.pick(beginnings);
  const steps = [
    ...(first === '' ? [wait(random.pick([0, 150]))] : [send('the first bytes', first, random.pick([1, 3]))]),
    ...random.pick(both)(random),
  ];
  return { steps: [...cut(steps, random), ...end(random)], legal: false };
}

export function oddTcpEndpoint(random: Random): Script {
  return { steps: [...cut(random.pick(both)(random), random), ...end(random)], legal: false };
}

const both: readonly ((random: Random) => Step[])[] = [
  (random) => [send('noise', noise(random)), hear(1, 200)],
  (random) => [flood('bytes', 't'.repeat(16_000), random.pick([1, 50, 300]), 250), hear(1, 100)],
  (random) => [{ do: 'stop-reading' }, wait(random.pick([50, 450]))],
  (random) => [
    { do: 'stop-reading' },
    flood('bytes', 't'.repeat(16_000), random.pick([50, 300]), 250),
    wait(50),
    { do: 'read' },
  ],
  (random) => [flood('single bytes', 't', random.pick([10, 5000]), 100)],
  () => [{ do: 'fin' }, hear(1, 300)],
  () => [{ do: 'reset' }],
  () => [wait(450)],
  (random) => [send('a word', 'w'), hear(1, 100), send('another', 'w'.repeat(random.below(100_000))), hear(1, 100)],
];
