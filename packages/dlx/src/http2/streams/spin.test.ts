import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { runBounded } from '../../testing/children/bounded-child.ts';

const closes = fileURLToPath(new URL('../../testing/closes/', import.meta.url));
const watch = fileURLToPath(new URL('../../../../runtime/src/lifecycle/loop-watch.ts', import.meta.url));

test('a process that turns inside Node, not in a script, is ended by the watch of its loop as well', async () => {
  const program = `
    const { watchLoop } = await import(${JSON.stringify(watch)});
    const { Tries } = await import(${JSON.stringify(`${closes}tries.ts`)});
    const { calls } = await import(${JSON.stringify(`${closes}calls.ts`)});
    watchLoop({ name: 'spin', format: 'json', logs: true, limitMs: 500 });
    const tries = new Tries('upstream', 'under way');
    const call = calls.find(({ name }) => name === 'stream.close(CANCEL)');
    for (let i = 0; i < 200; i++) await tries.run(call, 'inside');
  `;
  const flags = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e'];
  const { child, ended } = runBounded([...flags, program], { mostMb: 3000, forMs: 30_000 });
  const { killed, out } = await ended;
  expect([killed, child.signalCode]).toEqual([undefined, 'SIGABRT']);
  expect(out).toContain('the event loop does not turn any more');
}, 60_000);
