import { errorCode, isTerminal, type ResourceRef, type ResourceScaler, type ScaleResult } from '@scaler/scaler-types';
import type { AttemptEnd } from '../decide/attempts.ts';
import type { Fence } from './fence.ts';

export interface ParkParts {
  scaler: Pick<ResourceScaler, 'setScale'>;
  fence: Fence;
  /** Empty when every DLX replica could serve the resource; else why not. */
  preflight: (resource: ResourceRef, signal: AbortSignal) => Promise<readonly string[]>;
  /** This autoscaler, `autoscaler/NAME`. */
  by: string;
}

/** How one park ended. `why`: one clause; `terminal`: the scaler said that trying again is in vain. */
export interface ParkResult {
  end: AttemptEnd;
  why: string;
  terminal: boolean;
}

/**
 * Parks one resource: the scaler's `setScale` to 0, with the preflight of the DLX and the fence as its questions. Never
 * rejects, but for the signal.
 */
export async function park(
  { scaler, fence, preflight, by }: ParkParts,
  resource: ResourceRef,
  reasons: readonly string[],
  signal: AbortSignal,
): Promise<ParkResult> {
  const { namespace, name } = resource;
  const reason = { by, text: reasons.join('; ') };
  try {
    const results = await scaler.setScale([{ namespace, name }], 0, { signal, reason, preflight, confirm: fence });
    return resultOf(results);
  } catch (error) {
    signal.throwIfAborted();
    return failure(error as Error);
  }
}

function resultOf([result]: readonly ScaleResult[]): ParkResult {
  if (!result) return { end: 'failed', why: 'failed: the scaler told no result', terminal: false };
  return result.ok ? { end: 'parked', why: 'parked', terminal: false } : failure(result.error);
}

function failure(error: Error): ParkResult {
  const end = ends[errorCode(error) ?? ''] ?? 'failed';
  return { end, why: `${end}: ${error.message}`, terminal: isTerminal(error) };
}

const ends: Readonly<Record<string, AttemptEnd>> = { 'park-refused': 'refused', 'park-cancelled': 'cancelled' };
