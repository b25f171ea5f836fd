// The load of a scenario when wrk is missing, or when the rate is given: a process of its own, over raw sockets.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { serveCalls } from '../processes/calls.ts';
import { sharedMs } from '../processes/usage.ts';
import { type Connection, openConnection } from './connection.ts';
import { headText, type Load, loadOf, type LoadOptions, type RequestHead } from './load.ts';
import { moduleFile } from '../processes/child.ts';

/** The calls that the generator answers. */
export type GeneratorCalls = typeof calls;

export interface RateOptions {
  readonly port: number;
  readonly request: RequestHead;
  /** Requests one after the other, without a pause. */
  readonly steps: readonly { readonly perSecond: number; readonly seconds: number }[];
}

/** Resolves when the ticker runs. */
const startUpMs = 100;
const free: Connection[] = [];
let freeTo = 0;
let stalled: Connection[] = [];

/** A connection without a request; a new one when all are in use, because a rate does not wait. */
function take(port: number, onNew: () => void): Connection {
  if (port !== freeTo) {
    for (const { socket } of free.splice(0)) socket.destroy();
    freeTo = port;
  }
  for (let one = free.pop(); one !== undefined; one = free.pop()) if (one.isOpen) return one;
  onNew();
  return openConnection(port);
}

function dueTimes(startMs: number, steps: RateOptions['steps']): number[] {
  const dueMs: number[] = [];
  let fromMs = startMs;
  for (const { perSecond, seconds } of steps) {
    for (let i = 0; i < perSecond * seconds; i++) dueMs.push(fromMs + (i * 1000) / perSecond);
    fromMs += seconds * 1000;
  }
  return dueMs;
}

const calls = {
  /** As many requests as the connections can carry, one after the other on each. */
  async closed({ port, connections, seconds, request }: LoadOptions): Promise<Load> {
    const head = [headText(request)];
    const tookMs: number[] = [];
    const startMs = performance.now();
    let failed = 0;
    const one = (): Promise<void> =>
      new Promise((resolve) => {
        const connection = openConnection(port);
        const again = (): void => {
          const sentMs = performance.now();
          connection.ask(head, (status) => {
            const nowMs = performance.now();
            tookMs.push(nowMs - sentMs);
            if (status !== 200) failed += 1;
            if (status !== 0 && nowMs < startMs + seconds * 1000) return again();
            connection.socket.destroy();
            resolve();
          });
        };
        again();
      });
    await Promise.all(Array.from({ length: connections }, one));
    return loadOf(tookMs, (performance.now() - startMs) / 1000, failed);
  },

  /**
   * So many requests per second, whether they are answered or not. Resolves with each of them, in the order in which they
   * were due on the clock that all processes share: the time from that moment, sent or not, until its answer was complete;
   * its status, 0 when the connection closed; and how many connections were opened for all.
   */
  async paced({ port, request, steps }: RateOptions) {
    const head = [headText(request)];
    const dueMs = dueTimes(sharedMs() + startUpMs, steps);
    const count = dueMs.length;
    const [tookMs, status] = [new Array<number>(count).fill(0), new Array<number>(count).fill(0)];
    const all = Promise.withResolvers<void>();
    let [next, ended, connections] = [0, 0, 0];
    const send = (i: number): void => {
      const connection = take(port, () => (connections += 1));
      connection.ask(head, (got) => {
        tookMs[i] = sharedMs() - (dueMs[i] ?? 0);
        status[i] = got;
        if (got !== 0) free.push(connection);
        if (++ended === count) all.resolve();
      });
    };
    const ticker = new Worker(moduleFile('load/ticker'), { workerData: dueMs });
    ticker.on('message', () => {
      for (const nowMs = sharedMs(); next < count && (dueMs[next] ?? 0) <= nowMs;) send(next++);
    });
    await once(ticker, 'exit');
    while (next < count) send(next++);
    await all.promise;
    return { dueMs, tookMs, status, connections };
  },

  /** Opens clients that send a request and then read nothing. Resolves once the buffers of each had time to fill. */
  async stall({ port, request, clients }: { port: number; request: RequestHead; clients: number }): Promise<void> {
    stalled = Array.from({ length: clients }, () => openConnection(port));
    for (const { socket, ask } of stalled) {
      socket.pause();
      ask([headText(request)], () => {});
    }
    await sleep(1000);
  },

  /** Closes the stalled clients. */
  leave(): void {
    for (const { socket } of stalled.splice(0)) socket.destroy();
  },
};

serveCalls(calls);
