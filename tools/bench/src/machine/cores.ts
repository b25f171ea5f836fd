import { availableParallelism } from 'node:os';
import { findProgram } from './programs.ts';

const canPlace = availableParallelism() > 1 && findProgram('taskset') !== undefined;

/**
 * The proxy under test has a processor to itself; load and app share another. Undefined with one processor, or without
 * taskset.
 */
export const cores: { readonly proxy: number | undefined; readonly others: number | undefined } = canPlace
  ? { proxy: 0, others: 1 }
  : { proxy: undefined, others: undefined };
