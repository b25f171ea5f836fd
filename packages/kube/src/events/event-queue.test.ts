import { expect, test } from '@jest/globals';
import { EventQueue } from './event-queue.ts';

const fill = (queue: EventQueue<{ namespace: string; n: number }>, namespace: string, count: number): number => {
  let taken = 0;
  for (let n = 0; n < count; n++) {
    if (!queue.hasRoom(namespace)) continue;
    queue.add({ namespace, n });
    taken += 1;
  }
  return taken;
};

test('a namespace alone gets half, and the next one half of the rest', () => {
  const queue = new EventQueue<{ namespace: string; n: number }>(1_000);
  expect(['loud', 'b', 'c'].map((namespace) => fill(queue, namespace, 8_000))).toEqual([500, 250, 125]);
});

test('each namespace gives one in turn', () => {
  const queue = new EventQueue<{ namespace: string; n: number }>(100);
  fill(queue, 'loud', 4);
  fill(queue, 'quiet', 1);
  const order = Array.from({ length: 6 }, () => queue.shift()).map((one) => one && `${one.namespace} ${one.n}`);
  expect(order).toEqual(['loud 0', 'quiet 0', 'loud 1', 'loud 2', 'loud 3', undefined]);
  expect(queue.size).toBe(0);
});
