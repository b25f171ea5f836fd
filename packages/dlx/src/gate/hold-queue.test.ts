import { expect, test } from '@jest/globals';
import { type Holdable, HoldQueue } from './lane.ts';

interface Item extends Holdable<Item> {
  readonly seq: number;
}

const item = (seq: number): Item => ({ seq, prev: undefined, next: undefined });

test('it gives in order of arrival, though some leave in between, and an item that comes back finds its old place', () => {
  const queue = new HoldQueue<Item>();
  const items = [1, 2, 3, 4, 5].map(item);
  for (const one of items) queue.add(one);
  const [first, second, third] = items as [Item, Item, Item];
  expect(queue.shift()).toBe(first);
  expect(queue.shift()).toBe(second);
  queue.remove(third);
  queue.add(second);
  queue.add(first);
  const order: number[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) order.push(next.seq);
  expect([order, queue.size, queue.head]).toEqual([[1, 2, 4, 5], 0, undefined]);
});
