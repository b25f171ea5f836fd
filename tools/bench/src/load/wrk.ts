import { join } from 'node:path';
import { must } from '@scaler/command';
import { programPath } from '../machine/programs.ts';
import { onCore } from '../processes/child.ts';
import type { Load, LoadOptions } from './load.ts';
import { cores } from '../machine/cores.ts';

const script = join(import.meta.dirname, '../../src/load/wrk.lua');

interface WrkResult {
  readonly requests: number;
  readonly microseconds: number;
  readonly bytes: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

/** As many requests as the connections can carry, one after the other on each, by wrk. */
export async function runWrk(options: LoadOptions & { readonly bodyBytes?: number }): Promise<Load> {
  const { port, connections, seconds, request, bodyBytes = 0 } = options;
  const headers = Object.entries(request.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const command = [
    ...[programPath('wrk'), '-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '--timeout', '10s', '-s', script],
    ...headers,
    `http://127.0.0.1:${port}${request.path}`,
    ...['--', String(bodyBytes)],
  ];
  return loadIn(await must(...onCore(cores.others, command)));
}

export function loadIn(text: string): Load {
  const json = /^result (.*)$/m.exec(text)?.[1];
  if (json === undefined) throw new Error(`wrk printed no result: ${text}`);
  const { requests, microseconds, bytes, failed, p50, p99 } = JSON.parse(json) as WrkResult;
  return { requests, seconds: microseconds / 1e6, bytes, failed, p50Ms: p50 / 1000, p99Ms: p99 / 1000 };
}
