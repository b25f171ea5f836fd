import { readdirSync, readFileSync } from 'node:fs';

/** Processor time so far, in ticks. */
export interface Ticks {
  /** Of all processes, without the time of interrupts, which no process can be charged with. */
  readonly busy: number;
  /** The time that the hypervisor gave to other machines. */
  readonly steal: number;
  /** Of this process and all that it started. */
  readonly own: number;
  readonly atMs: number;
}

const ticksPerSecond = 100;

export function readTicks(): Ticks {
  const { busy, steal } = busyIn(readFileSync('/proc/stat', 'utf8'));
  return { busy, steal, own: ownOf(processes(), process.pid), atMs: performance.now() };
}

/** The share of one processor, 0 and up, that other processes took between two moments. */
export function disturbanceBetween(before: Ticks, after: Ticks): number {
  const others = after.busy - before.busy - (after.own - before.own);
  const stolen = after.steal - before.steal;
  const ticks = ((after.atMs - before.atMs) / 1000) * ticksPerSecond;
  return Math.max(0, others + stolen) / ticks;
}

export function busyIn(stat: string): { busy: number; steal: number } {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '')
    .split(' ')
    .map(Number);
  return { busy: user + nice + system, steal };
}

/** The fields of a line of `/proc/<pid>/stat` that are needed here. */
export interface ProcessTicks {
  readonly pid: number;
  readonly parent: number;
  /** Ticks of its own, and of its children that ended. */
  readonly ticks: number;
}

export function processIn(stat: string): ProcessTicks {
  // After the name, which is in parentheses and may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
  return { pid: Number.parseInt(stat), parent: Number(fields[1]), ticks };
}

/** The ticks of a process and of all its descendants. */
export function ownOf(all: readonly ProcessTicks[], root: number): number {
  const self = all.find(({ pid }) => pid === root)?.ticks ?? 0;
  return all.filter(({ parent }) => parent === root).reduce((sum, { pid }) => sum + ownOf(all, pid), self);
}

function processes(): ProcessTicks[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [processIn(readFileSync(`/proc/${name}/stat`, 'utf8'))];
      } catch {
        // The process ended meanwhile.
        return [];
      }
    });
}
