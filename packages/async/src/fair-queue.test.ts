import { expect, test } from '@jest/globals';
import { FairQueue } from './fair-queue.ts';

const always = (): boolean => true;

function queueOf(...items: readonly string[]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const item of items) queue.add(item.charAt(0), item);
  return queue;
}

function takeAll(queue: FairQueue<string>, hasRoom: (namespace: string) => boolean = always): string[] {
  const taken: string[] = [];
  for (let item = queue.take(hasRoom); item !== undefined; item = queue.take(hasRoom)) taken.push(item.item);
  return taken;
}

test('namespaces take turns, and each is served in order of arrival', () => {
  expect(takeAll(queueOf('a1', 'a2', 'a3', 'b1', 'c1', 'b2'))).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

test('a namespace without room is passed over and keeps its turn', () => {
  const queue = queueOf('a1', 'b1', 'b2');
  expect(takeAll(queue, (namespace) => namespace === 'b')).toEqual(['b1', 'b2']);
  expect([queue.size, takeAll(queue)]).toEqual([1, ['a1']]);
});

test('an item that is added again keeps its place', () => {
  const queue = queueOf('a1', 'a2', 'a1');
  expect([queue.size, takeAll(queue)]).toEqual([2, ['a1', 'a2']]);
});

test('an item that is deleted is not taken', () => {
  const queue = queueOf('a1', 'a2');
  expect([queue.delete('a', 'a1'), queue.delete('a', 'a1'), queue.delete('b', 'a2')]).toEqual([true, false, false]);
  expect([queue.size, takeAll(queue), queue.size]).toEqual([1, ['a2'], 0]);
});

test('a cleared queue is empty', () => {
  const queue = queueOf('a1', 'b1');
  queue.clear();
  expect([queue.size, queue.take(always)]).toEqual([0, undefined]);
});

test('a namespace alone gets half of the room, and the next one half of the rest', () => {
  const queue = new FairQueue<number>();
  const fill = (namespace: string): number => {
    let taken = 0;
    for (let n = 0; n < 8_000; n++) {
      if (!queue.hasRoom(namespace, 1_000)) continue;
      queue.add(namespace, n);
      taken += 1;
    }
    return taken;
  };
  expect(['loud', 'b', 'c'].map(fill)).toEqual([500, 250, 125]);
});

test('a namespace with many items gives one in turn', () => {
  expect(takeAll(queueOf('l0', 'l1', 'l2', 'l3', 'q0'))).toEqual(['l0', 'q0', 'l1', 'l2', 'l3']);
});
