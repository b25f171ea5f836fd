import { errorCode, isTerminal, type ResourceRef, type ResourceScaler, type ScaleResult } from '@scaler/scaler-types';
import type { AttemptEnd } from '../decide/attempts.ts';
import type { Fence } from './fence.ts';

export interface ParkParts {
  scaler: Pick<ResourceScaler, 'setScale'>;
  fence: Fence;
  /** Empty when every DLX replica could serve the resource; else the reasons why not. */
  preflight: (resource: ResourceRef, signal: AbortSignal) => Promise<readonly string[]>;
  /** The name of this autoscaler, `autoscaler/NAME`. */
  by: string;
}

/** The end of one park. `reason`: one clause; `terminal`: the scaler said that trying again is in vain. */
export interface ParkResult {
  end: AttemptEnd;
  reason: string;
  terminal: boolean;
}

/**
 * Parks one resource: calls the scaler's `setScale` to 0, with the preflight of the DLX and the fence as its callbacks.
 * Rejects only when the signal aborts.
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
  if (!result) return { end: 'failed', reason: 'failed: the scaler returned no result', terminal: false };
  return result.ok ? { end: 'parked', reason: 'parked', terminal: false } : failure(result.error);
}

function failure(error: Error): ParkResult {
  const end = ends[errorCode(error) ?? ''] ?? 'failed';
  return { end, reason: `${end}: ${error.message}`, terminal: isTerminal(error) };
}

const ends: Readonly<Record<string, AttemptEnd>> = { 'park-refused': 'refused', 'park-cancelled': 'cancelled' };
