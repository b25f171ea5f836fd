import { cpus, release, totalmem } from 'node:os';

/** The machine that figures were measured on. */
export type Machine = ReturnType<typeof thisMachine>;

export function thisMachine() {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version as string,
  };
}
