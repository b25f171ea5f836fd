import type { Clock } from '@scaler/scaler-types';
import { backoffMs } from '../client/backoff.ts';

/** Resolves whether something listens there. */
export type IsListening = (address: string, port: number, signal: AbortSignal) => Promise<boolean>;

/** One place to be checked; `id` tells apart two instances that have had the same address. */
interface ListenPlace {
  readonly id: string;
  readonly address: string;
  readonly port: number;
}

/** Finds out which places are listened on. What once was found to be is not asked again. */
export interface ListenChecks {
  /** Whether it is known to be. If not, a check is made in the background, and again with growing pauses until it is. */
  has(place: ListenPlace): boolean;
  /** Forgets the places of all instances but these. */
  keep(ids: ReadonlySet<string>): void;
  stop(): void;
}

interface Check {
  readonly place: ListenPlace;
  listening: boolean;
  failures: number;
  askedAtMs: number;
}

const maxConcurrent = 64;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
// What nobody has asked for during this long is not checked again.
const interestMs = 60_000;

/** `onListening`: something was found to listen on that port. */
export function createListenChecks(
  clock: Clock,
  isListening: IsListening,
  onListening: (port: number) => void,
): ListenChecks {
  const checks = new Map<string, Check>();
  const queue: Check[] = [];
  const stopping = new AbortController();
  let running = 0;

  function pump(): void {
    while (running < maxConcurrent && queue.length > 0 && !stopping.signal.aborted) {
      const check = queue.shift() as Check;
      if (!isWanted(check)) continue;
      running += 1;
      void run(check);
    }
  }

  function isWanted(check: Check): boolean {
    if (checks.get(keyOf(check.place)) !== check) return false;
    if (clock.monotonic() - check.askedAtMs <= interestMs) return true;
    checks.delete(keyOf(check.place));
    return false;
  }

  async function run(check: Check): Promise<void> {
    const { address, port } = check.place;
    const listening = await isListening(address, port, stopping.signal).catch(() => false);
    running -= 1;
    if (listening) {
      check.listening = true;
      if (isWanted(check)) onListening(port);
    } else {
      check.failures += 1;
      void retry(check);
    }
    pump();
  }

  async function retry(check: Check): Promise<void> {
    await clock.sleep(backoffMs(check.failures, firstPauseMs, longestPauseMs), stopping.signal).catch(() => undefined);
    queue.push(check);
    pump();
  }

  return {
    has: (place) => {
      const known = checks.get(keyOf(place));
      if (known !== undefined) {
        known.askedAtMs = clock.monotonic();
        return known.listening;
      }
      const check = { place, listening: false, failures: 0, askedAtMs: clock.monotonic() };
      checks.set(keyOf(place), check);
      queue.push(check);
      pump();
      return false;
    },
    keep: (ids) => {
      for (const [key, { place }] of checks) if (!ids.has(place.id)) checks.delete(key);
    },
    stop: () => stopping.abort(),
  };
}

function keyOf({ id, address, port }: ListenPlace): string {
  return `${id}/${address}/${port}`;
}
