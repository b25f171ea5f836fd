import { request } from 'node:http';
import { connect } from 'node:net';
import type { Clock } from '@scaler/scaler-types';
import { runCommand } from './command.ts';
import type { Container, Probe } from '../objects.ts';

export interface ProbeTarget {
  readonly container: Container;
  readonly podIP: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Sends an HTTP GET as kubelet does; any status from 200 to 399 is success. */
function httpGet(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, signal, headers: { 'user-agent': 'kube-probe/1.36', ...headers } });
    call.on('response', (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400);
      response.on('error', () => undefined);
    });
    call.on('error', () => resolve(false));
    call.end();
  });
}

function tcpConnect(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    socket.on('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}

function portOf(port: number | string, { container }: ProbeTarget): number {
  if (typeof port === 'number') return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
}

/** One attempt. */
async function attempt(probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<boolean> {
  const { httpGet: http, tcpSocket: tcp, exec } = probe;
  if (http) {
    const headers = Object.fromEntries((http.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value]));
    const path = (http.path ?? '/').replace(/^(?!\/)/, '/');
    return httpGet(`http://${http.host ?? target.podIP}:${portOf(http.port, target)}${path}`, headers, signal);
  }
  if (tcp) return tcpConnect(tcp.host ?? target.podIP, portOf(tcp.port, target), signal);
  if (exec) return runCommand(exec.command, target.env, signal);
  return false;
}

const seconds = (value: number | undefined, fallback: number, least: number): number =>
  Math.max(least, Math.trunc(value ?? fallback)) * 1_000;

/**
 * Probes until `signal` aborts: first when the initial delay is over, then once a period, in whole seconds as by the
 * API. `onResult` is called when a result has held for its threshold, and only when it changes; it starts as failed.
 */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  clock: Clock,
  onResult: (success: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  const periodMs = seconds(probe.periodSeconds, 10, 1);
  const needed = { true: probe.successThreshold ?? 1, false: probe.failureThreshold ?? 3 };
  let result = false;
  let last: boolean | undefined;
  let inARow = 0;
  await clock.sleep(seconds(probe.initialDelaySeconds, 0, 0), signal);
  for (;;) {
    const startedAt = clock.monotonic();
    const limit = new AbortController();
    const cancel = clock.after(seconds(probe.timeoutSeconds, 1, 1), () => limit.abort());
    const success = await attempt(probe, target, AbortSignal.any([signal, limit.signal]));
    cancel();
    signal.throwIfAborted();
    inARow = success === last ? inARow + 1 : 1;
    last = success;
    if (success !== result && inARow >= needed[`${success}`]) {
      result = success;
      onResult(result);
    }
    await clock.sleep(Math.max(0, periodMs - (clock.monotonic() - startedAt)), signal);
  }
}
