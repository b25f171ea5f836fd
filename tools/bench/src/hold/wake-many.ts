import { exactly, figureOf, none } from '../figure.ts';
import type { Figure, Scenario, Context } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { loopback, openStage, settled, sleeper } from './stage.ts';

const count = 100;
/** The first wakes of a process run code for the first time; they are not measured. */
const first = 10;
const firstPort = 12_000;
const limitMs = 200;

export const wakeMany: Scenario = {
  name: 'wake-100',
  doc: 'A hundred sleepers woken at once: from each request to its scale call.',
  isGate: true,
  run: async (context) => [...(await withBenchScaler(context)), ...(await withDefaultScaler(context))],
};

async function withBenchScaler({ quick, rounds, keep }: Context): Promise<readonly Figure[]> {
  await using stage = openStage();
  const [app, client] = [await stage.app(), await stage.client()];
  const dlx = await stage.dlx();
  const names = Array.from({ length: count }, (_, i) => `app-${i}`);
  const endpoints = [loopback(await app.listen())];
  await dlx.control.set(names.map((name) => sleeper(name)));
  for (const name of names) await dlx.control.plan(name, { tookMs: 100, endpoints });
  let failed = 0;
  let tookMs: number[] = [];
  const ninetyFifths: number[] = [];
  for (let i = 0; i < (quick ? 1 : Math.min(rounds, 5)); i++) {
    await client.open({ count, port: dlx.port });
    await client.send({ count, host: 'app-#' });
    const round = await client.answers();
    const called = new Map((await dlx.control.scaleCalls()).map(({ key, atMs }) => [key, atMs]));
    tookMs = round.sent.map(
      ({ sentMs }, one) => (called.get(`default/app-${one}`) ?? Number.POSITIVE_INFINITY) - sentMs,
    );
    failed += round.failed;
    ninetyFifths.push(percentile(tookMs, 0.95));
    keep({ scaler: 'any scaler', p95Ms: percentile(tookMs, 0.95) });
    await client.close();
    for (const name of names) await dlx.control.park(name);
  }
  const { accepted, byOutcome } = await settled(dlx);
  return [
    none('any scaler: failed', failed),
    none('any scaler: accepted and not forwarded', accepted - (byOutcome['forwarded'] ?? 0)),
    figureOf('any scaler: request → scale call, p95 of 100', 'ms', ninetyFifths, {
      atMost: limitMs,
      quickAtMost: limitMs,
    }),
  ];
}

/** Measures the write that raises the replicas; pods come up once the replicas of all are raised. */
async function withDefaultScaler({ keep }: Context): Promise<readonly Figure[]> {
  await using stage = openStage();
  const [app, client, cluster] = [await stage.app(), await stage.client(), await stage.cluster()];
  await cluster.fill({ count: count + first, ports: 1, firstPort, appPort: await app.listen() });
  const dlx = await stage.dlx({
    scaler: '@scaler/deployment-scaler',
    scalerOptions: { portRange: `${firstPort}-30999` },
    flags: [`--kubeconfig=${cluster.kubeconfig}`],
  });
  await client.open({ count: count + first, port: dlx.port });
  await client.send({ number: count, count: first, host: 'app-#.team-1' });
  const cold = await client.answers();
  await client.send({ from: first, count, host: 'app-#.team-0' });
  const round = await client.answers();
  const raised = await cluster.raised();
  const tookMs = round.sent.map(({ sentMs }, i) => (raised[`app-${i}`] ?? Number.POSITIVE_INFINITY) - sentMs);
  const { accepted, byOutcome } = await settled(dlx);
  keep({ scaler: 'default scaler', p95Ms: percentile(tookMs, 0.95) });
  return [
    none('default scaler: failed', cold.failed + round.failed),
    none('default scaler: accepted and not forwarded', accepted - (byOutcome['forwarded'] ?? 0)),
    exactly('default scaler: raised by one write each', Object.keys(raised).length, count + first),
    figureOf('default scaler: request → replicas raised, p95 of 100', 'ms', [percentile(tookMs, 0.95)], {
      atMost: limitMs,
    }),
  ];
}
