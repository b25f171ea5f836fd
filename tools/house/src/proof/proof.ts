import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Results } from './results.ts';
import type { Suite } from './suites.ts';

export interface ProofOptions {
  readonly suites: readonly Suite[];
  readonly results: Results;
  /** Where the commands run. */
  readonly root: string;
  /** Runs what has passed or failed before, too. */
  readonly again: boolean;
  /** What has no result yet and needs a cluster is left out. */
  readonly hasCluster: boolean;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** Runs each suite that has no good result yet, one after the other. Returns whether all have passed. */
export async function prove(options: ProofOptions): Promise<boolean> {
  const { suites, results, again, hasCluster, signal, say } = options;
  for (const suite of suites) {
    if (signal.aborted) break;
    const before = results.get(suite.name);
    if (before?.passed === true && !again) {
      say(`${suite.name}: passed before, in ${before.seconds} s`);
      continue;
    }
    if (suite.cluster === true && !hasCluster) {
      say(`!!! SKIPPED: ${suite.name} needs KUBECONFIG, or the cluster kit`);
      continue;
    }
    await run(suite, options);
  }
  return suites.every(({ name }) => results.get(name)?.passed === true);
}

async function run({ name, command }: Suite, { results, root, signal, say }: ProofOptions): Promise<void> {
  say(`=== ${name}: ${command}`);
  const beganMs = performance.now();
  const log = openSync(results.logOf(name), 'w');
  // A group of its own: what it started ends with it.
  const child = spawn('/bin/sh', ['-c', command], { cwd: root, detached: true, stdio: ['ignore', log, log] });
  const stop = (): void => void (child.pid !== undefined && process.kill(-child.pid, 'SIGTERM'));
  signal.addEventListener('abort', stop, { once: true });
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  signal.removeEventListener('abort', stop);
  closeSync(log);
  const seconds = Math.round((performance.now() - beganMs) / 1_000);
  if (signal.aborted) {
    say(`--- ${name}: stopped after ${seconds} s, without a result`);
    return;
  }
  const passed = exitCode === 0;
  results.set(name, { command, passed, exitCode, seconds, endedAt: new Date().toISOString() });
  say(`--- ${name}: ${passed ? 'passed' : `FAILED with ${exitCode}`} in ${seconds} s; ${results.logOf(name)}`);
}
