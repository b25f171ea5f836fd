import { EventEmitter } from 'node:events';
import type { ProcessSeam } from '../lifecycle/run-process.ts';

/** A process that does not end and gets its signals by `emit`. */
export type FakeProcess = ProcessSeam & EventEmitter & { exits: number[]; out: string[]; err: string[] };

export function createFakeProcess(): FakeProcess {
  const exits: number[] = [];
  const out: string[] = [];
  const err: string[] = [];
  return Object.assign(new EventEmitter(), {
    exits,
    out,
    err,
    exit: (code: number) => void exits.push(code),
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
  }) as FakeProcess;
}
