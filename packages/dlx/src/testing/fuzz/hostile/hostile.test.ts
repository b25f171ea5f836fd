import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Conversation } from './conversation.ts';
import { hostile } from './hostile.ts';
import type { HostileReport } from './hostile-options.ts';
import { outcomesIn, unsettled } from './judge.ts';
import { send } from './step.ts';

test('hostile conversations of each kind: no exit, no hang, all adds up, memory and turns within bounds, a neighbour served', async () => {
  const { failures, played, accepted, outcomes, neighbourAsked } = await hostile({
    ...{ count: 150, seed: 20_260_101, parallel: 32 },
    // Its first turns run code for the first time, beside other tests; 100 ms are held by command.
    turnLimitMs: 1000,
  });
  expect(failures).toEqual([]);
  expect(played).toBe(150);
  expect(accepted).toBeGreaterThan(300);
  for (const one of ['forwarded', 'client-gone', 'upstream-reset', 'bad-request']) {
    expect([one, (outcomes[one] ?? 0) > 0]).toEqual([one, true]);
  }
  expect(neighbourAsked).toBeGreaterThan(5);
}, 180_000);

const firstFault = 10;

/** A few conversations, of which those from the tenth on have the DLX go wrong, each in its way. */
function withFaults(...faults: string[]): Promise<HostileReport> {
  return hostile({
    ...{ count: 24, seed: 1, parallel: 4, ledgerMegabytes: 64, settleMs: 1500, hangCpuMs: 700 },
    isolates: faults.includes('exit'),
    preloads: [join(import.meta.dirname, 'process/faults.ts')],
    stands: (index, slot): Conversation | undefined => {
      const fault = faults[index - firstFault];
      if (fault === undefined) return undefined;
      const request = `GET / HTTP/1.1\r\nHost: ${slot.host('calm')}\r\nx-fault: ${fault}\r\n\r\n`;
      const steps = [send('a request', request), { do: 'hear', bytes: 1, text: 'answer', limitMs: 500 } as const];
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer';
      return {
        ...{ index, protocol: 'http1', waking: 'calm', entry: 'shared', leavesOpen: false },
        client: { steps, legal: fault === 'answer' },
        endpoint: { steps: [send('an answer', answer)], legal: true },
        legal: fault === 'answer',
      };
    },
  });
}

test.each([
  [
    'exit',
    /^the DLX (crashed|exited)[^]*a fault that is to be found[^]*alone it does so after --hostile --seed 1 --only 10:/,
  ],
  ['spin', /^the DLX gave no answer at \/readyz in \d+ ms of CPU time/],
])(
  'a DLX that stops is found: %s',
  async (fault, told) => {
    const { failures } = await withFaults(fault);
    expect(failures.join('\n')).toMatch(told);
  },
  60_000,
);

test('a DLX that goes wrong and lives on is found', async () => {
  const found = {
    turn: /^a turn of the loop took 1[5-9]\d(\.\d)? ms of CPU time[^]* 10 /,
    leak: /^\d+ MB of memory, of \d+ allowed/,
    answer: /^no answer to what was asked as it should be, but "", closed: --hostile --seed 1 --only 12:/,
    neighbour: /^the neighbour asked for \/neighbour\/\d+ in HTTP\/1.1: /,
    lost: /ms after the last conversation: \d+ were accepted, \d+ ended/,
    descriptors: /ms after the last conversation: [^;]+ ended; 2\d descriptors more/,
  };
  const { failures } = await withFaults(...Object.keys(found));
  for (const told of Object.values(found)) expect(failures).toContainEqual(expect.stringMatching(told));
}, 60_000);

test('sums and gauges that are not at rest are failures', () => {
  const metrics = [
    'scaler_dlx_accepted_total 7',
    'scaler_dlx_requests_total{outcome="forwarded"} 4',
    'scaler_dlx_requests_total{outcome="client-gone"} 2',
    'scaler_dlx_held 1',
    'scaler_dlx_pipelined 0',
  ].join('\n');
  expect(unsettled(metrics)).toEqual(['7 were accepted, 6 ended', 'scaler_dlx_held is 1']);
  expect(outcomesIn(metrics)).toEqual({ forwarded: 4, 'client-gone': 2 });
});
