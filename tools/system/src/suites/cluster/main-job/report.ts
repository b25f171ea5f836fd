import type { CycleReport } from './cycle.ts';
import { spread } from '../../../harness/percentiles.ts';
import type { FlowReport } from '../site/flows.ts';
import { modes } from './workload.ts';

export interface RunReport {
  cycles: readonly CycleReport[];
  undo: CycleReport;
  flows: Readonly<Record<string, FlowReport>>;
  minutes: number;
}

function sum(flows: readonly FlowReport[], field: 'sent' | 'ok' | 'failed'): number {
  return flows.reduce((total, flow) => total + flow[field], 0);
}

/** Prints the verdict and returns how many things were wrong. */
export function printReport({ cycles, undo, flows, minutes }: RunReport): number {
  const select = (prefix: string): FlowReport[] =>
    Object.entries(flows).flatMap(([id, flow]) => (id.startsWith(prefix) ? [flow] : []));
  let wrong = 0;
  console.log(`\n${cycles.length} park/wake cycles in ${minutes.toFixed(1)} minutes`);
  console.log('mode      cycles  park ms p50/p99  first answer ms p50/p99  restore ms p50/p99  lost: new, kept-alive');
  for (const mode of modes) {
    const own = cycles.filter((cycle) => cycle.mode === mode);
    const fresh = select(`new ${mode}`);
    const kept = select(`kept ${mode}`);
    const column = (pick: (cycle: CycleReport) => number, width: number): string => spread(own.map(pick)).padEnd(width);
    console.log(
      `${mode.padEnd(9)} ${String(own.length).padEnd(7)} ${column((c) => c.parkMs, 16)} ${column((c) => c.wakeMs, 24)} ` +
        `${column((c) => c.restoreMs, 19)} ${sum(fresh, 'failed')} of ${sum(fresh, 'sent')}, ${sum(kept, 'failed')} of ${sum(kept, 'sent')}`,
    );
    wrong += sum(fresh, 'failed') + (mode === 'always' ? sum(kept, 'failed') : 0);
  }
  const busy = select('new busy');
  console.log(`beside them, never parked: ${sum(busy, 'failed')} lost of ${sum(busy, 'sent')}`);
  wrong += sum(busy, 'failed');
  for (const { workload, problems } of [...cycles, { ...undo, workload: `${undo.workload} after rollout undo` }]) {
    for (const problem of problems) console.log(`!! ${workload}: ${problem}`);
    wrong += problems.length;
  }
  for (const [id, { errors }] of Object.entries(flows)) {
    for (const { at, text } of errors) console.log(`${id.startsWith('kept') ? '  ' : '!!'} ${id}: ${at} ${text}`);
  }
  console.log(wrong === 0 ? 'e2e: all as it must be' : `e2e: ${wrong} wrong`);
  return wrong;
}
