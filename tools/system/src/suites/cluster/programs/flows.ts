import type { FlowOptions, FlowReport } from './asks.ts';
import { carryOut } from './requests.ts';

interface Flow {
  readonly report: FlowReport;
  readonly timer: NodeJS.Timeout;
  paused: boolean;
}

const flows = new Map<string, Flow>();
const errorsTold = 20;

/** GETs at a steady rate: each over a new connection, or, kept alive, over one that waits for each answer. */
export function startFlow(id: string, { url, rps, keepAlive }: FlowOptions): void {
  stopFlow(id);
  const report: FlowReport = { sent: 0, ok: 0, inFlight: 0, failed: 0, slowestMs: 0, errors: [] };
  const kept = keepAlive ? { kept: `flow ${id}` } : {};
  const one = async (): Promise<void> => {
    if (flow.paused || (keepAlive && report.inFlight > 0)) return;
    report.sent += 1;
    report.inFlight += 1;
    const { status, text, ms } = await carryOut({ protocol: 'get', url, ...kept });
    report.inFlight -= 1;
    report.slowestMs = Math.max(report.slowestMs, ms);
    if (status === 200) {
      report.ok += 1;
      return;
    }
    report.failed += 1;
    const said = status === undefined ? text : `${status}: ${text.slice(0, 300)}`;
    if (report.errors.length < errorsTold) report.errors.push({ at: new Date().toISOString(), text: said });
  };
  const flow: Flow = { report, paused: false, timer: setInterval(() => void one(), 1000 / rps) };
  flows.set(id, flow);
}

/** Requests under way end by themselves. */
export function stopFlow(id: string): void {
  clearInterval(flows.get(id)?.timer);
  flows.delete(id);
}

export function pauseFlow(id: string, paused: boolean): void {
  const flow = flows.get(id);
  if (flow) flow.paused = paused;
}

export function flowReports(): Record<string, FlowReport> {
  return Object.fromEntries([...flows].map(([id, { report }]) => [id, report]));
}
