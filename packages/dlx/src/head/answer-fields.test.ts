import { expect, test } from '@jest/globals';
import { startAwake } from '../testing/harness.ts';
import { startTcp } from '../testing/upstream.ts';

/** An app that answers each head with these bytes. */
function startAnswering(...answers: string[]): ReturnType<typeof startTcp> {
  return startTcp((socket) => {
    let served = 0;
    socket.on('data', () => socket.write(answers[Math.min(served++, answers.length - 1)] ?? ''));
  });
}

test('an answer has 2,000 fields at most: each costs some of a turn of the loop, and a few bytes', async () => {
  const app = await startAnswering(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(2001)}content-length: 2\r\n\r\nok`);
  const h = await startAwake([app]);
  const { status, problem } = await h.send({ method: 'POST' });
  expect([status, problem.code]).toEqual([502, 'upstream-reset']);
  await h.end({ 'upstream-reset': 1 });
});

test('lines of a body are no fields, nor are those of answers before', async () => {
  const lines = 'x\n'.repeat(30_000);
  const head = `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(1900)}content-length: ${lines.length}\r\n\r\n`;
  const early = `HTTP/1.1 103 Early Hints\r\n${'link: c\r\n'.repeat(1000)}\r\n`;
  const app = await startAnswering(head + lines, early + head + lines);
  const h = await startAwake([app]);
  for (let i = 0; i < 3; i++) {
    const { status, body } = await h.send();
    expect([status, body === lines]).toEqual([200, true]);
  }
  await h.end({ forwarded: 3 });
});
