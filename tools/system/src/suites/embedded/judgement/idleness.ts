import { once } from 'node:events';
import { createServer } from 'node:http';
import type { EmbeddedCluster, ServerImage } from '@scaler/testing-kit/kubernetes';
import { createRandom } from '@scaler/chaos';
import type { Clock } from '@scaler/scaler-types';
import { type Answer, ask } from '../../../harness/requests.ts';
import { type Finding, none, printTable, seconds, sum } from '../../../harness/report.ts';
import { isFull, sizeFrom } from '../../../harness/size.ts';
import { createManaged } from '../fleet/fleet.ts';
import { followPhases } from './phases.ts';
import { type Product, startProduct } from './product.ts';
import { createSimulation, type Simulation } from './simulation.ts';
import { type Spell, Usage } from './spells.ts';

const namespace = 'idleness';
const windowMs = 60_000;
/** The default of `--scale-interval`. */
const tickMs = 10_000;
const lastsMs = isFull ? 7_200_000 : 1_200_000;
/** The DLX's count is evidence from one window after its start, and after it came into the path. */
const warmUpMs = 2 * windowMs + tickMs;

interface Caller {
  readonly name: string;
  readonly usage: Usage;
  readonly answers: Promise<Answer>[];
}

/**
 * Workloads in `always` mode whose only source is the DLX's own count, each with a request pattern of its own: requests that
 * last from nothing to three windows, with gaps from nothing to three windows between them, many of about one.
 */
export async function idleness(): Promise<readonly Finding[]> {
  const seed = sizeFrom('TRIALS_SEED', 1);
  const size = sizeFrom('TRIALS_WORKLOADS', 40);
  const simulation = createSimulation(seed);
  const { clock } = simulation;
  await using product = await startProduct(simulation, { images: { app: createPatientImage(clock) } });
  const { cluster } = product;
  const callers = Array.from({ length: size }, (_, i): Caller => {
    return { name: `app-${i + 1}`, usage: new Usage(windowMs), answers: [] };
  });
  await create(simulation, product, callers);
  followPhases(cluster.api, namespace, clock, ({ name, phase, atMs }) => {
    if (phase === 'parking') callers.find((one) => one.name === name)?.usage.parkBegins(atMs);
  });
  const random = createRandom(seed).next;
  const stop = new AbortController();
  for (const caller of callers)
    call(simulation, cluster, caller, createRandom(Math.floor(random() * 2 ** 32)).next, stop.signal);
  await simulation.run(lastsMs);
  stop.abort();
  await simulation.run(4 * windowMs);
  for (const { usage } of callers) usage.close(clock.monotonic());
  const answers = await simulation.settled(Promise.all(callers.flatMap((one) => one.answers)));
  console.log(
    `  seed ${seed}; ${size} workloads and patterns, ${lastsMs / 60_000} simulated minutes, window 1m, tick 10s`,
  );
  return report(callers, answers);
}

/** Resolves when every new connection goes to the DLX, which does not see those that were open before. */
async function create(
  simulation: Simulation,
  { cluster, dlxAddress }: Product,
  callers: readonly Caller[],
): Promise<void> {
  const annotations = { 'scaler/routing': 'always', 'scaler/idle-after': '1m', 'scaler/cooldown': '1ms' };
  for (const { name } of callers) await simulation.settled(createManaged(cluster, { namespace, name }, annotations));
  const isServed = ({ name }: Caller): boolean => {
    const backends = cluster.proxy.backends(namespace, name, 80);
    return backends.length > 0 && backends.every((backend) => backend.startsWith(`${dlxAddress}:`));
  };
  await simulation.until('the DLX is in the path of all', () => callers.every(isServed), 60_000);
}

function call(
  simulation: Simulation,
  cluster: EmbeddedCluster,
  caller: Caller,
  random: () => number,
  stop: AbortSignal,
): void {
  const { clock } = simulation;
  const { name, usage, answers } = caller;
  const send = async (): Promise<Answer> => {
    const beganMs = clock.monotonic();
    usage.begin(beganMs);
    const answer = await ask(`${cluster.serviceUrl(namespace, name, 80)}/?ms=${durationMs(random)}`, {
      timeoutMs: 300_000,
    });
    usage.end(clock.monotonic(), clock.monotonic() - beganMs);
    next();
    return answer;
  };
  const next = (): void => {
    if (!stop.aborted) clock.after(gapMs(random), () => void (stop.aborted || answers.push(send())));
  };
  next();
}

function gapMs(random: () => number): number {
  const kind = random();
  if (kind < 0.4) return random() * 0.9 * windowMs;
  if (kind < 0.7) return windowMs - 2_000 + random() * (tickMs + 4_000);
  return windowMs + tickMs + random() * 2 * windowMs;
}

function durationMs(random: () => number): number {
  return random() < 0.7 ? 0 : Math.round(random() * 3 * windowMs);
}

function report(callers: readonly Caller[], answers: readonly Answer[]): Finding[] {
  const spells = callers.flatMap(({ usage }) => usage.spells).filter(({ fromMs }) => fromMs >= warmUpMs);
  const lasted = ({ fromMs, toMs }: Spell): number => toMs - fromMs;
  const parkedAfter = ({ fromMs, parkedMs }: Spell): number => (parkedMs ?? Infinity) - fromMs;
  const kinds: [string, (spell: Spell) => boolean][] = [
    ['shorter than the window', (spell) => lasted(spell) < windowMs],
    ['up to a tick longer', (spell) => lasted(spell) >= windowMs && lasted(spell) <= windowMs + tickMs],
    ['longer', (spell) => lasted(spell) > windowMs + tickMs],
  ];
  const rows = kinds.flatMap(([text, isOfKind]) =>
    [false, true].map((afterLong) => {
      const own = spells.filter((spell) => isOfKind(spell) && spell.afterLong === afterLong);
      const parked = own.map(parkedAfter).filter(Number.isFinite);
      const ends = parked.length === 0 ? ['', ''] : [Math.min(...parked), Math.max(...parked)].map(seconds);
      return [text, afterLong ? 'long' : 'short', own.length, parked.length, ...ends];
    }),
  );
  printTable([['time without use', 'last request', 'spells', 'parked', 'earliest', 'latest'], ...rows]);
  const lost = answers.filter(({ ok }) => !ok);
  for (const { text } of lost.slice(0, 5)) console.log(`  lost: ${text}`);
  const early = spells.filter((spell) => parkedAfter(spell) < windowMs).length;
  const late = spells.filter(
    (spell) => lasted(spell) > windowMs + tickMs && parkedAfter(spell) > windowMs + tickMs,
  ).length;
  const inUse = sum(callers, ({ usage }) => usage.parkedInUse);
  return [
    none(`requests lost, of ${answers.length}`, lost.length),
    none('parks begun in use', inUse),
    none('parks begun before the window was over', early),
    none('parks begun later than a tick after it', late),
  ];
}

/** An app that answers each request, `/?ms=5000`, so long after it came, by the clock. */
export function createPatientImage(clock: Clock): ServerImage {
  return {
    async start({ podIP, signal }) {
      const server = createServer((request, response) => {
        const waitMs = Number(new URL(request.url ?? '/', 'http://app').searchParams.get('ms') ?? 0);
        request.resume();
        clock.after(waitMs, () => response.end(request.headers['x-request-id']));
      });
      signal.addEventListener('abort', () => server.closeAllConnections(), { once: true });
      server.listen({ host: podIP, port: 8080 });
      await once(server, 'listening');
      return {
        stop: () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeIdleConnections();
          }),
      };
    },
  };
}
