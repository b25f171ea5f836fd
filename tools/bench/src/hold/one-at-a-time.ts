import { exactly, figureOf, none } from '../figure.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { overtakenIn } from './held.ts';
import { openStage, settled } from './stage.ts';

/** Milliseconds that the app takes for each request. */
const tookMs = 0.5;
/** The connections that the kernel keeps before the app accepts them: its backlog, and one. */
const queue = 17;

export const oneAtATime: Scenario = {
  name: 'one-at-a-time',
  doc: 'Many held GETs onto a pod that serves one at a time, with a listen backlog of 16.',
  run: async ({ quick, log }) => {
    const count = quick ? 2_000 : 10_000;
    await using stage = openStage();
    const [app, client] = [await stage.serialApp(), await stage.client()];
    const dlx = await stage.dlxBefore(await app.listen({ tookMs }));
    await client.open({ count, port: dlx.port });
    await client.send({ count });
    await dlx.until(`${count} are held`, ({ held }) => held === count);
    const readyMs = await dlx.control.ready('web');
    const round = await client.answers();
    const { numbers, silent } = await app.seen();
    const { accepted, byOutcome } = await settled(dlx);
    log(`${count} served one by one in ${Math.round(round.lastMs - readyMs)} ms`);
    return [
      exactly('requests held at once', count, count),
      none('failed', round.failed),
      none('accepted and not forwarded', accepted - (byOutcome['forwarded'] ?? 0)),
      exactly('served by the app', new Set(numbers).size, count),
      none('served twice', numbers.length - new Set(numbers).size),
      figureOf('longest way that one was overtaken', 'places', [furthestBack(numbers)], { atMost: queue }),
      figureOf('overtaken at all', '', [overtakenIn(numbers)]),
      figureOf('connections that carried no request', '', [silent]),
      figureOf('longest pause between two answers', 'ms', [longestPause(round.sent.map(({ endedMs }) => endedMs))], {
        atMost: 1000,
      }),
      figureOf('ready → last answer', 'ms', [round.lastMs - readyMs]),
    ] satisfies Figure[];
  },
};

/** The most places by which a request was served later than it was sent. */
function furthestBack(numbers: readonly number[]): number {
  return numbers.reduce((most, number, place) => Math.max(most, place - number), 0);
}

function longestPause(momentsMs: readonly number[]): number {
  const sorted = momentsMs.toSorted((a, b) => a - b);
  return sorted.reduce((most, ms, i) => Math.max(most, ms - (sorted[i - 1] ?? ms)), 0);
}
