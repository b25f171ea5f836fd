import { readFile } from 'node:fs/promises';

/** The cost of a process so far. */
export interface ProcessCost {
  /** Milliseconds of processor time, user and system. */
  readonly cpuMs: number;
  readonly rssMb: number;
}

/** From `/proc`, where a tick lasts 10 ms on every Linux. */
const clockTickMs = 10;

export async function readCost(pid: number): Promise<ProcessCost> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  // The name in parentheses may have spaces in it; after it, the 12th and 13th fields are utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const kb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * clockTickMs, rssMb: kb / 1024 };
}
