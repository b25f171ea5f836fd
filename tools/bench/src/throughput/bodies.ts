import { type Bounds, figureOf, none } from '../figure.ts';
import { startGenerator } from '../load/closed-load.ts';
import { runWrk } from '../load/wrk.ts';
import { minimal } from '../load/requests.ts';
import { cores } from '../machine/cores.ts';
import { measureRounds, numbers, ratios, type Round, type Rounds } from '../pairs.ts';
import { disturbanceBetween, readTicks } from '../machine/disturbance.ts';
import { cpuSeconds } from '../processes/usage.ts';
import { largeBytes, type NodeApp, startApp, startNodeApp } from '../proxies/app.ts';
import { startDlxProxy } from '../proxies/dlx-proxy.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { Context, Figure, Scenario } from '../scenario.ts';
import { startLineUp } from './line-up.ts';
import { outcomesMissing } from './outcomes.ts';
import { doubtIfDisturbed, tolerance } from './window.ts';

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
    await using stack = new AsyncDisposableStack();
    const files = stack.adopt(await startApp(), ({ stop }) => stop());
    const reader = stack.adopt(await startNodeApp(), ({ stop }) => stop());
    const figures: Figure[] = [];
    for (const direction of [down(files), up(reader)]) {
      await using lineUp = await startLineUp(direction.app, context);
      const measured = await compare(context, direction, lineUp.sides);
      doubtIfDisturbed(context, measured);
      figures.push(...figuresOf(measured, direction.name, [...lineUp.sides.keys()]));
      if (direction.app === files) figures.push(...(await costOfStalling(files, context)));
      figures.push({ ...(await outcomesMissing(lineUp.dlx.dlx)), name: `${direction.name}: outcomes missing` });
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
  context: Context,
  direction: Direction,
  sides: ReadonlyMap<string, Proxy>,
): Promise<Rounds<Transfer>> {
  const { quick, rounds, log } = context;
  const measure = async (name: string, seconds: number): Promise<{ measured: Transfer; disturbance: number }> => {
    const side = sides.get(name);
    if (side === undefined) throw new Error(`no side ${name}`);
    const [ticks, cpu] = [readTicks(), cpuSeconds(side.pid)];
    const { bytes, seconds: tookSeconds, failed } = await direction.run(side.port, seconds);
    const cpuMs = (cpuSeconds(side.pid) - cpu) * 1000;
    return {
      measured: { mbPerSecond: bytes / 1e6 / tookSeconds, cpuMsPerGb: cpuMs / (bytes / 1e9), failed },
      disturbance: disturbanceBetween(ticks, readTicks()),
    };
  };
  for (const name of sides.keys()) await measure(name, quick ? 1 : 2);
  return measureRounds<Transfer>({
    sides: [...sides.keys()],
    rounds,
    spare: quick ? 1 : rounds,
    tolerance,
    measure: (name) => measure(name, quick ? 1 : 3),
    onRound(round, isDisturbed) {
      context.keep({ direction: direction.name, ...round, isDisturbed });
      log(`${direction.name}: ${textOf(round)}${isDisturbed ? ', disturbed' : ''}`);
    },
  });
}

function textOf({ sides, disturbance }: Round<Transfer>): string {
  const texts = Object.entries(sides).map(([name, { mbPerSecond }]) => `${name} ${mbPerSecond.toFixed(0)}`);
  return `${texts.join(' · ')} MB/s · others ${(disturbance * 100).toFixed(1)} %`;
}

function figuresOf({ kept, dropped, disturbed }: Rounds<Transfer>, name: string, sides: readonly string[]): Figure[] {
  const peers = sides.filter((side) => side !== 'DLX');
  return [
    ...peers.map((peer) =>
      figureOf(
        `${name}: rate, to ${peer}`,
        '×',
        ratios(kept, 'DLX', peer, ({ mbPerSecond }) => mbPerSecond),
        peer === 'nginx' ? { atLeast: 0.45 } : {},
      ),
    ),
    // Uploads: the load limits nginx, so that its rate is less than it could do.
    ...peers.map((peer) =>
      figureOf(
        `${name}: bytes per CPU second, to ${peer}`,
        '×',
        ratios(kept, 'DLX', peer, ({ cpuMsPerGb }) => 1 / cpuMsPerGb),
      ),
    ),
    ...sides.flatMap((side) => [
      figureOf(
        `${name}: ${side}`,
        'MB/s',
        numbers(kept, side, ({ mbPerSecond }) => mbPerSecond),
      ),
      figureOf(
        `${name}: ${side}: CPU per GB`,
        'ms',
        numbers(kept, side, ({ cpuMsPerGb }) => cpuMsPerGb),
      ),
    ]),
    none(`${name}: requests failed`, Math.max(...numbers(kept, 'DLX', ({ failed }) => failed))),
    { name: `${name}: rounds dropped`, value: dropped.length, unit: '' },
    { name: `${name}: rounds kept although disturbed`, value: disturbed, unit: '' },
  ];
}

/**
 * Memory for each client that asks for 16 MiB and reads nothing, in a DLX with no memory left over from before. The data
 * that fills the sockets leaves garbage, once for all of them: so there are many clients.
 */
async function costOfStalling(app: Proxy, { rounds, keep }: Context): Promise<Figure[]> {
  const { calls, stop } = await startGenerator();
  try {
    const costs: { rssMb: number; liveMb: number }[] = [];
    for (let i = 0; i < rounds; i++) {
      const { dlx, port, stop: stopDlx } = await startDlxProxy(app.port, cores.proxy);
      const memory = async (): Promise<{ rss: number; live: number }> => {
        const { heapUsed, external } = await dlx.control.memory();
        return { rss: dlx.rssBytes(), live: heapUsed + external };
      };
      const each = (bytes: number): number => bytes / 1e6 / stalledClients;
      try {
        await calls.closed({ port, connections: 1, seconds: 0.2, request: minimal });
        const before = await memory();
        await calls.stall({ port, request: large, clients: stalledClients });
        await dlx.until('all are stalled', ({ inFlight }) => inFlight === stalledClients, 5_000);
        const after = await memory();
        const cost = { rssMb: each(after.rss - before.rss), liveMb: each(after.live - before.live) };
        costs.push(cost);
        keep({ stalledReader: cost });
        await calls.leave();
      } finally {
        await stopDlx();
      }
    }
    const of = (name: string, pick: (cost: (typeof costs)[number]) => number, bounds?: Bounds): Figure =>
      figureOf(name, 'MB', costs.map(pick), bounds);
    return [
      of('memory for a stalled reader', ({ rssMb }) => rssMb, { atMost: 3 }),
      of('of it in use', ({ liveMb }) => liveMb),
    ];
  } finally {
    await stop();
  }
}
