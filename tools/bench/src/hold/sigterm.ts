import { setTimeout as sleep } from 'node:timers/promises';
import { sharedMs } from '../processes/usage.ts';
import { exactly, figureOf, none } from '../figure.ts';
import type { Scenario } from '../scenario.ts';
import { loopback, openStage, sleeper } from './stage.ts';

const count = 1_000;
/** How long the requests in flight take, and when the sleeper is ready: both after the SIGTERM. */
const tookMs = 4_000;
const readyAfterMs = 2_000;
/** The defaults of `--propagate` and `--drain-timeout`. */
const deadlineMs = 25_000;

export const sigterm: Scenario = {
  name: 'sigterm',
  doc: 'SIGTERM with a thousand held and a thousand in flight; the pod is ready two seconds later.',
  run: async () => {
    await using stage = openStage();
    const [quick, slow] = [await stage.app(), await stage.app()];
    const [waiting, flying] = [await stage.client(), await stage.client()];
    const dlx = await stage.dlxBefore(await quick.listen());
    await dlx.control.set([sleeper('slow')]);
    await dlx.control.plan('slow', { endpoints: [loopback(await slow.listen({ tookMs }))] });
    await dlx.control.ready('slow');
    for (const client of [waiting, flying]) await client.open({ count, port: dlx.port });
    await waiting.send({ count });
    await flying.send({ count, host: 'slow' });
    await dlx.until('half are held', ({ held, inFlight }) => held === count && inFlight === count, 3_000);
    const exited = dlx.terminate();
    const signalMs = sharedMs();
    await sleep(readyAfterMs);
    const counts = dlx.until('all have ended', ({ accepted, sum }) => accepted === sum, deadlineMs);
    await dlx.control.ready('web');
    const [held, flown] = [await waiting.answers(), await flying.answers()];
    const { accepted, byOutcome } = await counts;
    const code = await exited;
    return [
      exactly('answered 200 of those held', count - held.failed, count),
      exactly('answered 200 of those in flight', count - flown.failed, count),
      none('accepted and not forwarded', accepted - (byOutcome['forwarded'] ?? 0)),
      none('exit code', code ?? Number.NaN),
      figureOf('SIGTERM → last answer', 'ms', [Math.max(held.lastMs, flown.lastMs) - signalMs], { atMost: deadlineMs }),
      figureOf('SIGTERM → gone', 'ms', [sharedMs() - signalMs]),
    ];
  },
};
