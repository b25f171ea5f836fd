import { findProgram } from '../machine/programs.ts';
import { startWorker, type Worker } from '../processes/child.ts';
import type { GeneratorCalls } from './generator.ts';
import type { Load, LoadOptions } from './load.ts';
import { runWrk } from './wrk.ts';

export function startGenerator(): Promise<Worker<GeneratorCalls>> {
  return startWorker<GeneratorCalls>('load/generator');
}

/** A generator of requests that sends the next as soon as one is answered. */
export interface ClosedLoad extends AsyncDisposable {
  readonly by: string;
  run(options: LoadOptions): Promise<Load>;
}

/** Starts wrk; without it the generator, which uses more of the processor that it shares with the app. */
export async function startClosedLoad(): Promise<ClosedLoad> {
  if (findProgram('wrk') !== undefined) return { by: 'wrk', run: runWrk, [Symbol.asyncDispose]: async () => {} };
  const { calls, ...worker } = await startGenerator();
  return { by: 'the own generator (no wrk on PATH)', run: calls.closed, ...worker };
}
