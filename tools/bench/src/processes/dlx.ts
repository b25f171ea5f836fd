import { type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScalerCalls } from '../hold/bench-scaler.ts';
import { callsOf, type Remote } from './calls.ts';
import { beside } from './beside.ts';
import { end, isBuilt, root, startNode } from './child.ts';
import { cpuSeconds, peakRssBytes, rssBytes, sharedMs } from './usage.ts';

const benchScaler = beside(import.meta, '../hold/bench-scaler');
/** What users run, where this is built too. */
const program = join(root, 'packages/dlx', isBuilt ? 'dist/main.js' : 'src/main.ts');
const startLimitMs = 60_000;

export interface DlxOptions {
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Package or path. Default: the bench's own, which `control` scripts. */
  readonly scaler?: string;
  /** Options of the scaler. */
  readonly scalerOptions?: Readonly<Record<string, string | number>>;
  /** The processor that it may use. Default: all. */
  readonly core?: number | undefined;
  /** The address of the data ports. Default 127.0.0.1. */
  readonly listenHost?: string;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** What the DLX counted. */
export interface Counted {
  readonly accepted: number;
  /** Requests that ended, of all outcomes. */
  readonly sum: number;
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly held: number;
  readonly inFlight: number;
}

/** The real program in a process of its own. */
export interface DlxProcess {
  readonly pid: number;
  /** The shared port. */
  readonly port: number;
  readonly infraPort: number;
  /** Milliseconds from its start until `/readyz` said so. */
  readonly readyAfterMs: number;
  /** The bench's scaler inside it; not there with another scaler. */
  readonly control: Remote<ScalerCalls>;
  rssBytes(): number;
  peakRssBytes(): number;
  cpuSeconds(): number;
  /** `name{label="value"}` → value. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  outcomes(): Promise<Counted>;
  /** Waits until what it counted is so. @throws after `limitMs`. */
  until(what: string, condition: (counted: Counted) => boolean, limitMs?: number): Promise<Counted>;
  /** SIGTERM; resolves with its exit code, once it is gone. */
  terminate(): Promise<number | null>;
  /** Ends it at once. */
  stop(): Promise<void>;
}

/** Starts it and waits until it is ready. @throws with the end of its log when it does not get so far. */
export async function startDlx(options: DlxOptions = {}): Promise<DlxProcess> {
  const {
    flags = [],
    scaler = benchScaler,
    scalerOptions = {},
    core,
    listenHost = '127.0.0.1',
    nodeFlags = [],
  } = options;
  const startedMs = sharedMs();
  const child = startNode(program, {
    core,
    // The scaler must not get it another way: a context made and dropped has V8 shrink an idle heap and forget its code,
    // so that each window of load would begin cold.
    nodeFlags: [...ownFlags(program), '--expose-gc', ...nodeFlags],
    args: [
      `--scaler=${scaler}`,
      ...Object.entries(scalerOptions).map(([name, value]) => `--scaler-option=${name}=${value}`),
      `--listen-host=${listenHost}`,
      '--listen-port=0',
      '--infra-host=127.0.0.1',
      '--infra-port=0',
      '--admin-port=0',
      '--identity=bench-dlx',
      ...flags,
    ],
  });
  const log = logOf(child);
  // Whoever asks it next only sees that nobody answers.
  child.once('exit', (code, signal) => {
    if (code !== 0 && signal !== 'SIGKILL') console.error(`the DLX ended: ${signal ?? code}\n${log.join('\n')}`);
  });
  try {
    const { port, infraPort } = await listening(child, log);
    await ready(infraPort);
    return handle(child, port, infraPort, sharedMs() - startedMs);
  } catch (error) {
    await end(child, 'SIGKILL');
    throw new Error(`the DLX did not start:\n${log.join('\n')}`, { cause: error });
  }
}

/** Flags of Node itself by which a program asks to be started, in its first line. */
function ownFlags(file: string): string[] {
  const [first = ''] = readFileSync(file, 'utf8').split('\n', 1);
  return first.split(' ').filter((word) => word.startsWith('--'));
}

/** The last lines of its log, kept up to date. */
function logOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > 50) lines.shift();
    });
  }
  return lines;
}

async function listening(child: ChildProcess, log: readonly string[]): Promise<{ port: number; infraPort: number }> {
  const endsAtMs = sharedMs() + startLimitMs;
  while (sharedMs() < endsAtMs && child.exitCode === null) {
    const line = log.find((text) => text.includes('"listening"'));
    if (line !== undefined) {
      const { port, infra } = JSON.parse(line) as { port: number; infra: { port: number } };
      return { port, infraPort: infra.port };
    }
    await sleep(5);
  }
  throw new Error(`ended with ${child.exitCode}, or not listening after ${startLimitMs} ms`);
}

async function ready(infraPort: number): Promise<void> {
  const endsAtMs = sharedMs() + startLimitMs;
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${infraPort}/readyz`).then(
      ({ ok }) => ok,
      // A kept connection that it closed after a long turn of its event loop.
      () => false,
    );
  while (!(await isReady())) {
    if (sharedMs() > endsAtMs) throw new Error(`not ready after ${startLimitMs} ms`);
    await sleep(5);
  }
}

function handle(child: ChildProcess, port: number, infraPort: number, readyAfterMs: number): DlxProcess {
  const pid = child.pid as number;
  const metrics = async (): Promise<ReadonlyMap<string, number>> =>
    parseMetrics(await (await fetch(`http://127.0.0.1:${infraPort}/metrics`)).text());
  const outcomes = async (): Promise<Counted> => countedIn(await metrics());
  return {
    pid,
    port,
    infraPort,
    readyAfterMs,
    control: callsOf<ScalerCalls>(child),
    rssBytes: () => rssBytes(pid),
    peakRssBytes: () => peakRssBytes(pid),
    cpuSeconds: () => cpuSeconds(pid),
    metrics,
    outcomes,
    async until(what, condition, limitMs = 60_000) {
      const endsAtMs = sharedMs() + limitMs;
      for (;;) {
        const counted = await outcomes();
        if (condition(counted)) return counted;
        if (sharedMs() > endsAtMs) throw new Error(`waited in vain until ${what}: ${JSON.stringify(counted)}`);
        await sleep(50);
      }
    },
    terminate: () => end(child, 'SIGTERM'),
    async stop() {
      await end(child, 'SIGKILL');
    },
  };
}

function parseMetrics(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

function countedIn(metrics: ReadonlyMap<string, number>): Counted {
  const byOutcome: Record<string, number> = {};
  let sum = 0;
  for (const [series, value] of metrics) {
    const outcome = /^scaler_dlx_requests_total\{outcome="([^"]+)"\}$/.exec(series)?.[1];
    if (outcome === undefined) continue;
    sum += value;
    if (value > 0) byOutcome[outcome] = value;
  }
  const of = (name: string): number => metrics.get(name) ?? Number.NaN;
  const accepted = of('scaler_dlx_accepted_total');
  return { accepted, sum, byOutcome, held: of('scaler_dlx_held'), inFlight: of('scaler_dlx_in_flight') };
}
