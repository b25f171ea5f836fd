import { until } from '@scaler/command';
import type { ScalerCalls } from '../hold/bench-scaler.ts';
import { callsOf } from './calls.ts';
import { end, kill, moduleFile } from './child.ts';
import { startApp } from './started-app.ts';

export interface DlxOptions {
  /** The folder of the repository's tree whose program it is. Default: this one. */
  readonly tree?: string | undefined;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Package or path. Default: the bench's own, which `control` scripts. */
  readonly scaler?: string;
  /** Options of the scaler. */
  readonly scalerOptions?: Readonly<Record<string, string | number>>;
  /** The address of the data ports. Default 127.0.0.1. */
  readonly listenHost?: string;
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

/** The real program in a process of its own; disposing ends it at once. */
export type DlxProcess = Awaited<ReturnType<typeof startDlx>>;

/** Starts the DLX and waits until it is ready. @throws with the end of its log when it does not become ready. */
export async function startDlx(options: DlxOptions = {}) {
  const { flags = [], scaler = moduleFile('hold/bench-scaler'), scalerOptions = {}, tree } = options;
  const { child, port, infraPort, readyAfterMs } = await startApp('dlx', {
    tree,
    // The scaler gets `gc` from this flag: a context made and dropped for it would have V8 shrink an idle heap and
    // forget its code, so that each window of load would begin cold.
    nodeFlags: ['--expose-gc'],
    args: [
      `--scaler=${scaler}`,
      ...Object.entries(scalerOptions).map(([name, value]) => `--scaler-option=${name}=${value}`),
      `--listen-host=${options.listenHost ?? '127.0.0.1'}`,
      '--listen-port=0',
      '--identity=bench-dlx',
      ...flags,
    ],
  });
  const outcomes = async (): Promise<Counted> =>
    countedIn(await (await fetch(`http://127.0.0.1:${infraPort}/metrics`)).text());
  return {
    pid: child.pid as number,
    /** The shared port. */
    port,
    /** Milliseconds from its start until `/readyz` answered 200. */
    readyAfterMs,
    /** The bench's scaler inside it; absent with another scaler. */
    control: callsOf<ScalerCalls>(child),
    outcomes,
    /** Waits until the counters meet a condition. @throws after `limitMs`. */
    until: (what: string, condition: (counted: Counted) => boolean, limitMs = 60_000): Promise<Counted> =>
      until(what, limitMs, async () => {
        const counted = await outcomes();
        if (!condition(counted)) throw new Error(JSON.stringify(counted));
        return counted;
      }),
    /** Sends SIGTERM; resolves with its exit code once it has ended. */
    terminate: (): Promise<number | null> => end(child, 'SIGTERM'),
    [Symbol.asyncDispose]: (): Promise<void> => kill(child),
  };
}

function countedIn(metrics: string): Counted {
  const ends = metrics.matchAll(/^scaler_dlx_requests_total\{outcome="([^"]+)"\} (\d+)$/gm);
  const byOutcome: Record<string, number> = Object.fromEntries(
    [...ends].map(([, outcome, count]) => [outcome, Number(count)]),
  );
  const of = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1]);
  return {
    accepted: of('scaler_dlx_accepted_total'),
    sum: Object.values(byOutcome).reduce((sum, count) => sum + count, 0),
    byOutcome,
    held: of('scaler_dlx_held'),
    inFlight: of('scaler_dlx_in_flight'),
  };
}
