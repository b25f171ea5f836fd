import { type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScalerCalls } from '../hold/bench-scaler.ts';
import { startApp } from './started-app.ts';
import { callsOf, type Remote } from './calls.ts';
import { beside } from './beside.ts';
import { end } from './child.ts';
import { cpuSeconds, peakRssBytes, rssBytes, sharedMs } from './usage.ts';

const benchScaler = beside(import.meta, '../hold/bench-scaler');

export interface DlxOptions {
  /** The folder of the repository's tree whose program it is. Default: this one. */
  readonly tree?: string | undefined;
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

/** The counters of the DLX. */
export interface Counted {
  readonly accepted: number;
  /** Requests that ended, over all outcomes. */
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
  /** Milliseconds from its start until `/readyz` answered 200. */
  readonly readyAfterMs: number;
  /** The bench's scaler inside it; absent with another scaler. */
  readonly control: Remote<ScalerCalls>;
  rssBytes(): number;
  peakRssBytes(): number;
  cpuSeconds(): number;
  /** `name{label="value"}` → value. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  outcomes(): Promise<Counted>;
  /** Waits until the counters meet a condition. @throws after `limitMs`. */
  until(what: string, condition: (counted: Counted) => boolean, limitMs?: number): Promise<Counted>;
  /** Sends SIGTERM; resolves with its exit code once it has ended. */
  terminate(): Promise<number | null>;
  /** Ends it at once. */
  stop(): Promise<void>;
}

/** Starts the DLX and waits until it is ready. @throws with the end of its log when it does not become ready. */
export async function startDlx(options: DlxOptions = {}): Promise<DlxProcess> {
  const {
    flags = [],
    scaler = benchScaler,
    scalerOptions = {},
    core,
    listenHost = '127.0.0.1',
    nodeFlags = [],
    tree,
  } = options;
  const { child, port, infraPort, readyAfterMs } = await startApp('dlx', {
    tree,
    core,
    // The scaler gets `gc` from this flag: a context made and dropped for it would have V8 shrink an idle heap and
    // forget its code, so that each window of load would begin cold.
    nodeFlags: ['--expose-gc', ...nodeFlags],
    args: [
      `--scaler=${scaler}`,
      ...Object.entries(scalerOptions).map(([name, value]) => `--scaler-option=${name}=${value}`),
      `--listen-host=${listenHost}`,
      '--listen-port=0',
      '--identity=bench-dlx',
      ...flags,
    ],
  });
  return handle(child, port, infraPort, readyAfterMs);
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
