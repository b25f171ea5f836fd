import { type Bounds, figureOf, none } from '../figure.ts';
import { startGenerator } from '../load/closed-load.ts';
import type { GeneratorCalls } from '../load/generator.ts';
import { minimal } from '../load/requests.ts';
import { runWrk } from '../load/wrk.ts';
import { disturbanceFigures, numbers, ratios, type Rounds, runRounds } from '../pairs.ts';
import type { Worker } from '../processes/child.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import { largeBytes, type NodeApp, startApp, startNodeApp } from '../proxies/app.ts';
import { startDlxProxy } from '../proxies/dlx-proxy.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { Context, Figure, Scenario } from '../scenario.ts';
import { outcomesMissing } from '../hold/stage.ts';
import { startLineUp } from './line-up.ts';

/** The results of one window. */
interface Transfer {
  readonly mbPerSecond: number;
  /** Processor time of the proxy. */
  readonly cpuMsPerGb: number;
  readonly failed: number;
}

interface Direction {
  readonly name: string;
  readonly app: Proxy;
  /** Bytes that arrived in one window. */
  run(port: number, seconds: number): Promise<{ bytes: number; seconds: number; failed: number }>;
}

const connections = 4;
const stalledClients = 64;
const large = { ...minimal, path: '/large' };

export const bodies: Scenario = {
  name: 'bodies',
  doc: 'Bodies of 16 MiB over 4 connections, up and down; and the memory for a client that does not read.',
  needs: ['wrk', 'nginx'],
  async run(context) {
    await using files = await startApp();
    await using reader = await startNodeApp();
    const figures: Figure[] = [];
    for (const direction of [down(files), up(reader)]) {
      await using lineUp = await startLineUp(direction.app, context);
      const measured = await compare(context, direction, lineUp.sides);
      figures.push(...figuresOf(measured, direction.name, [...lineUp.sides.keys()]));
      if (direction.app === files) figures.push(...(await costOfStalling(files, context)));
      figures.push({ ...(await outcomesMissing(lineUp.dlx)), name: `${direction.name}: outcomes missing` });
    }
    return figures;
  },
};

function down(app: Proxy): Direction {
  return { name: 'down', app, run: (port, seconds) => runWrk({ port, connections, seconds, request: large }) };
}

function up(app: NodeApp): Direction {
  return {
    name: 'up',
    app,
    async run(port, seconds) {
      const before = await app.received();
      const load = await runWrk({ port, connections, seconds, request: minimal, bodyBytes: largeBytes });
      return { ...load, bytes: (await app.received()) - before };
    },
  };
}

async function compare(
  { quick, rounds, log, keep, doubt }: Context,
  direction: Direction,
  sides: ReadonlyMap<string, Proxy>,
): Promise<Rounds<Transfer>> {
  const measure = async ({ pid, port }: Proxy, windowSeconds: number): Promise<Transfer> => {
    const cpu = cpuSeconds(pid);
    const { bytes, seconds, failed } = await direction.run(port, windowSeconds);
    const cpuMs = (cpuSeconds(pid) - cpu) * 1000;
    return { mbPerSecond: bytes / 1e6 / seconds, cpuMsPerGb: cpuMs / (bytes / 1e9), failed };
  };
  for (const side of sides.values()) await measure(side, quick ? 1 : 2);
  const progress = {
    log: (line: string) => log(`${direction.name}: ${line}`),
    keep: (round: object) => keep({ direction: direction.name, ...round }),
    doubt,
  };
  return runRounds<Transfer>(progress, {
    sides: [...sides.keys()],
    ...{ rounds, spare: quick ? 1 : rounds },
    measure: (name) => measure(sides.get(name) as Proxy, quick ? 1 : 3),
    text: ({ mbPerSecond }) => `${mbPerSecond.toFixed(0)} MB/s`,
  });
}

function figuresOf(measured: Rounds<Transfer>, name: string, sides: readonly string[]): Figure[] {
  const { kept } = measured;
  const peers = sides.filter((side) => side !== 'DLX');
  const rate = ({ mbPerSecond }: Transfer): number => mbPerSecond;
  const toPeer = (figure: string, peer: string, number: (one: Transfer) => number, bounds?: Bounds): Figure =>
    figureOf(`${name}: ${figure}, to ${peer}`, '×', ratios(kept, 'DLX', peer, number), bounds);
  const of = (figure: string, unit: string, side: string, number: (one: Transfer) => number): Figure =>
    figureOf(`${name}: ${figure}`, unit, numbers(kept, side, number));
  return [
    ...peers.map((peer) => toPeer('rate', peer, rate, peer === 'nginx' ? { atLeast: 0.45 } : {})),
    // Uploads: the load limits nginx, so that its rate is less than it could do.
    ...peers.map((peer) => toPeer('bytes per CPU second', peer, ({ cpuMsPerGb }) => 1 / cpuMsPerGb)),
    ...sides.flatMap((side) => [
      of(side, 'MB/s', side, rate),
      of(`${side}: CPU per GB`, 'ms', side, ({ cpuMsPerGb }) => cpuMsPerGb),
    ]),
    none(`${name}: requests failed`, Math.max(...numbers(kept, 'DLX', ({ failed }) => failed))),
    ...disturbanceFigures(measured, `${name}: `),
  ];
}

/** Memory of the DLX for one stalled client. */
interface Cost {
  readonly rssMb: number;
  readonly liveMb: number;
}

/**
 * Memory for each client that asks for 16 MiB and reads nothing, in a DLX with no memory left over from before. The data
 * that fills the sockets leaves garbage, once for all of them: so there are many clients.
 */
async function costOfStalling(app: Proxy, { rounds, keep }: Context): Promise<Figure[]> {
  await using generator = await startGenerator();
  const costs: Cost[] = [];
  for (let i = 0; i < rounds; i++) {
    const stalledReader = await stall(app, generator.calls);
    costs.push(stalledReader);
    keep({ stalledReader });
  }
  const of = (name: string, number: (cost: Cost) => number, bounds?: Bounds): Figure =>
    figureOf(name, 'MB', costs.map(number), bounds);
  return [
    of('memory for a stalled reader', ({ rssMb }) => rssMb, { atMost: 3 }),
    of('of it in use', ({ liveMb }) => liveMb),
  ];
}

async function stall(app: Proxy, calls: Worker<GeneratorCalls>['calls']): Promise<Cost> {
  await using dlx = await startDlxProxy(app.port);
  const { port } = dlx;
  const memory = async (): Promise<{ rss: number; live: number }> => {
    const { heapUsed, external } = await dlx.control.memory();
    return { rss: rssBytes(dlx.pid), live: heapUsed + external };
  };
  await calls.closed({ port, connections: 1, seconds: 0.2, request: minimal });
  const before = await memory();
  await calls.stall({ port, request: large, clients: stalledClients });
  await dlx.until('all are stalled', ({ inFlight }) => inFlight === stalledClients, 5_000);
  const after = await memory();
  await calls.leave();
  const each = (bytes: number): number => bytes / 1e6 / stalledClients;
  return { rssMb: each(after.rss - before.rss), liveMb: each(after.live - before.live) };
}
