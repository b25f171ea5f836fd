import { setTimeout as sleep } from 'node:timers/promises';
import { figureOf, none } from '../figure.ts';
import { rssBytes } from '../processes/usage.ts';
import type { Scenario } from '../scenario.ts';
import { openStage, settled } from './stage.ts';

const load = { perSecond: 200, patienceMs: 1_000 };
/** The app serves 2 at a time: it does 100 of the 200 that come each second. */
const app = { atOnce: 2, tookMs: 20 };
const sampleMs = 1_000;

export const overload: Scenario = {
  name: 'overload',
  doc: 'Twice as many requests as the app can serve, for ten minutes, from clients that give up after a second.',
  run: async ({ quick, log }) => {
    const forMs = quick ? 30_000 : 600_000;
    const warmMs = quick ? 10_000 : 60_000;
    await using stage = openStage();
    const [backend, client] = [await stage.app(), await stage.client()];
    const dlx = await stage.dlxBefore(await backend.listen(app));
    await dlx.control.ready('web');
    const samples: { atMs: number; rss: number }[] = [];
    const startedMs = performance.now();
    const stop = new AbortController();
    const sampling = (async () => {
      while (!stop.signal.aborted) {
        await sleep(sampleMs);
        samples.push({ atMs: performance.now() - startedMs, rss: rssBytes(dlx.pid) });
      }
    })();
    const ended = await client.impatient({ ...load, forMs, port: dlx.port });
    stop.abort();
    await sampling;
    const { accepted, sum, held, inFlight } = await settled(dlx);
    const first = mean(samples.filter(({ atMs }) => atMs >= warmMs && atMs < (warmMs + forMs) / 2));
    const second = mean(samples.filter(({ atMs }) => atMs >= (warmMs + forMs) / 2));
    log(
      `${ended.answered} answered, ${ended.left} left; memory ${(first / 1e6).toFixed(1)} then ${(second / 1e6).toFixed(1)} MB`,
    );
    return [
      none('neither answered nor left', ended.failed),
      figureOf('answered', '', [ended.answered]),
      figureOf('clients that gave up', '', [ended.left], { atLeast: 1, quickAtLeast: 1 }),
      none('accepted without an outcome', accepted - sum),
      none('held and in flight afterwards', held + inFlight),
      figureOf('memory of the second half above the first', '%', [(second / first - 1) * 100], { atMost: 10 }),
    ];
  },
};

function mean(samples: readonly { rss: number }[]): number {
  return samples.reduce((sum, { rss }) => sum + rss, 0) / samples.length;
}
