import type { Clock, Logger, ScalerContext } from '@scaler/scaler-types';
import { dlxQuestions, parseReach, type ReachRequest } from '@scaler/scaler-types/dlx-api';
import { askDlx, askedAt } from './ask-dlx.ts';
import { connectOnce } from '../endpoints/probe/connect.ts';
import type { ServiceAddress } from '@scaler/kube';

/**
 * Which DLX are cut off: neither this process nor another DLX has come to them for {@link cutMs}. A node that loses its network is
 * told of by Kubernetes after 40 s; until then connections would be led to the DLX on it.
 */
export type CutOff = ReturnType<typeof createCutOff>;

export interface CutOffOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Those that are ready, as the API says. */
  readonly ready: () => readonly ServiceAddress[];
  /** Comes to one from here. @throws why not. */
  readonly reach: (one: ServiceAddress, signal: AbortSignal) => Promise<unknown>;
  /** Whether another DLX comes to it. @throws where that cannot be told. */
  readonly reaches: (by: ServiceAddress, one: ServiceAddress, signal: AbortSignal) => Promise<boolean>;
  /** @throws where the API does not answer here. */
  readonly api: (signal: AbortSignal) => Promise<unknown>;
  readonly onChange: () => void;
}

const everyMs = 500;
/** Then other DLX are asked. */
const suspectMs = 1_000;
/** So that what connects 3 s after a cut is not led there: the slices and every kube-proxy have to follow. */
const cutMs = 2_000;
const mostAsked = 3;

/**
 * Never all of them: where none is reached, it is this process that is cut off, or the whole network. Nor does one count as cut off
 * anew while the API does not answer here.
 */
export function createCutOff({ clock, logger, ready, reach, reaches, api, onChange }: CutOffOptions) {
  const reachedAtMs = new Map<string, number>();
  let cut: ReadonlySet<string> = new Set();

  const lateMs = (one: ServiceAddress): number => clock.monotonic() - (reachedAtMs.get(keyOf(one)) ?? 0);

  async function look(signal: AbortSignal): Promise<void> {
    const all = ready();
    keep(all);
    const succeeded = async (one: ServiceAddress, trying: Promise<unknown>, sinceMs: number): Promise<void> => {
      if (await trying.catch(() => false)) reachedAtMs.set(keyOf(one), sinceMs);
    };
    const reached = (one: ServiceAddress) => reach(one, signal).then(() => true);
    await Promise.all(all.map((one) => succeeded(one, reached(one), clock.monotonic())));
    const late = all.filter((one) => lateMs(one) >= suspectMs);
    const others = all.filter((one) => !late.includes(one));
    const asked = others.slice(0, mostAsked);
    const pairs = late.flatMap((one) => asked.map((by) => ({ one, by })));
    await Promise.all(pairs.map(({ one, by }) => succeeded(one, reaches(by, one, signal), clock.monotonic())));
    const gone = others.length === 0 ? [] : late.filter((one) => lateMs(one) >= cutMs);
    const isNew = gone.some((one) => !cut.has(keyOf(one)));
    const mayBeUs = isNew && !(await api(signal).then(yes, no));
    if (!signal.aborted) set(mayBeUs ? gone.filter((one) => cut.has(keyOf(one))) : gone);
  }

  // What is new has the benefit of the doubt.
  function keep(all: readonly ServiceAddress[]): void {
    const keys = new Set(all.map(keyOf));
    for (const key of reachedAtMs.keys()) if (!keys.has(key)) reachedAtMs.delete(key);
    for (const key of keys) if (!reachedAtMs.has(key)) reachedAtMs.set(key, clock.monotonic());
  }

  function set(gone: readonly ServiceAddress[]): void {
    const now = new Set(gone.map(keyOf));
    const begun = [...now].filter((key) => !cut.has(key));
    const ended = [...cut].filter((key) => !now.has(key));
    cut = now;
    if (begun.length > 0)
      logger.warn('A DLX is cut off, so no slice of ours leads to it', { dlx: begun, limitMs: cutMs });
    if (ended.length > 0) logger.info('A DLX that was cut off is reached again, or gone', { dlx: ended });
    if (begun.length + ended.length > 0) onChange();
  }

  return {
    /** Those that are not cut off, by their address families: of each family at least one is left. */
    without: (addresses: readonly ServiceAddress[]): readonly ServiceAddress[] => {
      if (cut.size === 0) return addresses;
      const left = addresses.filter((one) => !cut.has(keyOf(one)));
      return addresses.filter(
        (one) => left.includes(one) || !left.some(({ address }) => familyOf(address) === familyOf(one.address)),
      );
    },
    run: async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        const beganMs = clock.monotonic();
        await look(signal);
        await clock.sleep(Math.max(0, everyMs - (clock.monotonic() - beganMs)), signal).catch(no);
      }
    },
  };
}

const askLimitMs = 500;

/** Over the network. Without a token no DLX can be asked, so that none is known to come to another. */
export function linksOf(clock: Clock, token: ScalerContext['dlxToken']): Pick<CutOffOptions, 'reach' | 'reaches'> {
  return {
    reach: ({ address, ports }, signal) => connectOnce(address, askedAt(address, ports).port, clock, signal),
    reaches: async (by, { address, ports }, outer) => {
      if (token === undefined) return false;
      const signal = AbortSignal.any([outer, AbortSignal.timeout(askLimitMs)]);
      const to = { address: by.address, port: askedAt(by.address, by.ports).control };
      const body: ReachRequest = { address, port: askedAt(address, ports).port };
      const { status, text } = await askDlx(to, { ...dlxQuestions.reach, body }, token, signal);
      return status === 200 && parseReach(JSON.parse(text)).reached;
    },
  };
}

const yes = (): boolean => true;
const no = (): boolean => false;

function keyOf({ id, address }: ServiceAddress): string {
  return `${address} ${id}`;
}

function familyOf(address: string): string {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
