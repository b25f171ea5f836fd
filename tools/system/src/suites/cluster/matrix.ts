import { each, type Finding, printTable, spread } from '../../harness/report.ts';
import type { Answer, Ask, Client } from './site/client.ts';
import { podsOf, wakeSeconds, wakeSteps } from './site/apps.ts';
import { createFront, type Front } from './site/front.ts';
import type { Ground, Scenario } from './scenario.ts';
import { untilPhase, type Where } from './site/seen.ts';
import { createWorkloads, type Mode, modes, putToSleep, setIdle, urlOf } from './site/workloads.ts';

const protocols = ['get', 'post', 'websocket', 'grpc', 'sse'] as const;
const ways = ['new', 'kept', 'pooled'] as const;

interface Cell extends Where {
  readonly mode: Mode;
  readonly protocol: Ask['protocol'];
  readonly way: (typeof ways)[number];
}

export const matrix: Scenario = {
  name: 'matrix',
  doc: 'every routing mode × protocol × way to connect wakes a sleeper and gets the right answer',
  limitMs: 480_000,
  async run(ground) {
    await ground.product();
    const client = await ground.client();
    const namespace = await ground.namespace();
    const cells = modes.flatMap((mode) =>
      protocols.flatMap((protocol) =>
        ways
          .filter((way) => way !== 'pooled' || ground.images.nginx)
          .map((way): Cell => ({ namespace, name: `${mode}-${protocol}-${way}`, mode, protocol, way })),
      ),
    );
    const front = await asleepAfterUse(ground, client, cells);
    const answers = new Map<Cell, Answer>();
    const steps = await coldStarts(ground, client, cells, front, answers);
    const rows = wakeSteps.map((step, i) => [step, spread(steps.map((ms) => ms[i] ?? 0))]);
    const whole = ['answered', spread([...answers.values()].map(({ ms }) => ms))];
    printTable([['from the request to', 'ms p50 / p99'], ...rows, whole], ground.log);
    ground.count(cells.length, [...answers.values()].filter(({ ok }) => !ok).length);
    return [...verdicts(cells, answers), ...(front ? [] : [noFront])];
  },
};

const noFront: Finding = { what: 'a pooling proxy', wanted: 'there', got: 'no image of nginx', good: false };

/** All were used, by the connections that ask again later, and sleep now. */
async function asleepAfterUse(ground: Ground, client: Client, cells: readonly Cell[]): Promise<Front | undefined> {
  await createWorkloads(
    ground,
    cells.map((cell) => ({ ...cell, annotations: cell.mode === 'always' ? { 'scaler/idle-after': '15s' } : {} })),
  );
  await setIdle(ground, cells, false);
  const { namespace = '' } = cells[0] ?? {};
  const pooled = cells.filter(({ way }) => way === 'pooled').map(({ name }) => name);
  const front = pooled.length > 0 ? await createFront(ground, namespace, pooled) : undefined;
  await untilPhase(ground, cells, 'awake', 180_000);
  for (const cell of cells) {
    if (cell.way === 'new') continue;
    // An upgrade takes its connection out of the pool.
    const protocol = cell.protocol === 'websocket' ? 'get' : cell.protocol;
    const { ok, text } = await client.ask({ ...askOf(cell, front), protocol });
    if (!ok) throw new Error(`${cell.name} awake: ${text}`);
  }
  await putToSleep(ground, cells, 180_000);
  ground.log(`${cells.length} sleep`);
  return front;
}

function askOf(cell: Cell, front: Front | undefined): Ask {
  const { name, protocol, way } = cell;
  const kept = way === 'new' ? {} : { kept: name };
  if (way !== 'pooled' || !front) return { protocol, url: urlOf(cell, protocol === 'grpc' ? 9090 : 80), ...kept };
  return { protocol, url: protocol === 'grpc' ? front.grpcUrl : front.url, host: name, ...kept };
}

/** Milliseconds to each step, by wake. One after the other, so that what the DLX added to its sums since is this wake's. */
async function coldStarts(
  ground: Ground,
  client: Client,
  cells: readonly Cell[],
  front: Front | undefined,
  answers: Map<Cell, Answer>,
): Promise<number[][]> {
  const pods = await podsOf('dlx');
  const steps: number[][] = [];
  let before = await wakeSeconds(pods);
  for (const cell of cells) {
    ground.signal.throwIfAborted();
    await client.setMetric(cell.namespace, cell.name, '5');
    const answer = await client.ask(askOf(cell, front));
    answers.set(cell, answer);
    if (!answer.ok) ground.log(`${cell.name}: ${answer.text}`);
    const after = await wakeSeconds(pods);
    const earlier = before;
    steps.push(after.map((value, i) => (value - (earlier[i] ?? 0)) * 1000));
    before = after;
  }
  return steps;
}

function verdicts(cells: readonly Cell[], answers: ReadonlyMap<Cell, Answer>): Finding[] {
  return modes.flatMap((mode) =>
    protocols.map((protocol) => {
      const own = cells.filter((cell) => cell.mode === mode && cell.protocol === protocol);
      const what = `${mode}, ${protocol}: ${own.map(({ way }) => way).join(', ')}`;
      return each(what, own, (cell) => answers.get(cell)?.ok === true);
    }),
  );
}
