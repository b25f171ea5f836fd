import type { Conversation } from './conversation.ts';
import type { Slot } from './slot.ts';

export interface HostileOptions {
  readonly count: number;
  readonly seed: number;
  /** The first of them. Default 0. */
  readonly from?: number;
  /** That conversation alone. */
  readonly only?: number | undefined;
  /** Those of that protocol alone. */
  readonly protocol?: string | undefined;
  /** Conversations at once. Default 128. */
  readonly parallel?: number;
  /** Megabytes of the DLX's ledger. Default 256, as in a container of 512. */
  readonly ledgerMegabytes?: number;
  /** Modules that the DLX under test loads first: faults, to see that they are found. */
  readonly preloads?: readonly string[];
  /** A conversation in place of the seed's. */
  readonly stands?: (index: number, slot: Slot) => Conversation | undefined;
  /** Failures after which it ends. Default 10. */
  readonly most?: number;
  /** Milliseconds from the last conversation until nothing may be left of any. Default 20 s. */
  readonly settleMs?: number;
  /** Milliseconds of the DLX's CPU time within which `/readyz` is to answer. Default 3 s. */
  readonly hangCpuMs?: number;
  /** Milliseconds of CPU time that a turn of its loop may take. Default 100. */
  readonly turnLimitMs?: number;
  /** Whether it looks for who ended or stopped the process. Default true. */
  readonly isolates?: boolean;
  readonly onProgress?: (text: string) => void;
}

/** What a run came to. */
export interface HostileReport {
  /** In words, with what repeats them. Empty: all well. */
  readonly failures: readonly string[];
  readonly played: number;
  readonly accepted: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly exits: number;
  readonly hangs: number;
  readonly restBytes: number;
  readonly peakBytes: number;
  readonly boundBytes: number;
  readonly longestTurnMs: number;
  readonly neighbourAsked: number;
  readonly neighbourSlowestMs: number;
}
