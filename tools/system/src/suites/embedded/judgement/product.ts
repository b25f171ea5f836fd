import { settings as autoscalerSettings, runAutoscaler } from '@scaler/autoscaler';
import { runDlx, settings as dlxSettings } from '@scaler/dlx';
import { createLogger, loadConfig, type ProcessContext, runProcess } from '@scaler/runtime';
import type { Clock } from '@scaler/scaler-types';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import {
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
  startEmbeddedCluster,
} from '@scaler/testing-kit/kubernetes';
import type { Simulation } from './simulation.ts';

const systemNamespace = 'scaler-system';
const infraPort = 8081;

export interface ProductOptions {
  readonly images: NonNullable<EmbeddedClusterOptions['images']>;
  readonly autoscalerArgs?: readonly string[];
}

/** Both apps, whole, in this process and in simulated time, on an embedded cluster. */
export interface Product extends AsyncDisposable {
  readonly cluster: EmbeddedCluster;
  /** The address of the one DLX. */
  readonly dlxAddress: string;
  /** The log of both apps, latest last. */
  readonly log: readonly string[];
  /** A number of the autoscaler's `/metrics`, by its name without prefix and with its labels; 0 where it is missing. */
  metric(series: string): Promise<number>;
}

/** Stops a program; resolves when it has ended. */
type Stop = () => Promise<void>;

const keptLines = 2_000;

/** Starts both; resolves when the autoscaler leads and the DLX listens. */
export async function startProduct(simulation: Simulation, options: ProductOptions): Promise<Product> {
  const { clock } = simulation;
  const log: string[] = [];
  const cluster = await simulation.settled(
    startEmbeddedCluster({ images: options.images, clock, api: { bookmarkIntervalMs: 20_000 } }),
  );
  const service = await simulation.settled(
    cluster.service(systemNamespace, 'dlx', { selector: null, port: infraPort, portName: 'infra' }),
  );
  const { clusterIP } = (service as unknown as { spec: { clusterIP: string } }).spec;
  // Addresses in the cluster's own range, beyond its pods, Services and proxies.
  const address = (last: number): string => clusterIP.replace(/\.\d+\.\d+$/, `.255.${last}`);
  const flags = (name: string, host: string): readonly string[] => [
    `--kubeconfig=${cluster.kubeconfigPath}`,
    `--dlx-service=${systemNamespace}/dlx`,
    '--admin-port=0',
    `--infra-port=${infraPort}`,
    `--infra-host=${host}`,
    `--identity=${name}-1`,
  ];
  const dlxFlags = [...flags('dlx', address(1)), `--listen-host=${address(1)}`, '--propagate=0s'];
  const leader = [`--lease-namespace=${systemNamespace}`, ...(options.autoscalerArgs ?? [])];
  const dlx = loadConfig(dlxSettings, { argv: dlxFlags, env: {} });
  const autoscaler = loadConfig(autoscalerSettings, { argv: [...flags('autoscaler', address(2)), ...leader], env: {} });
  const appUrl = import.meta.url;
  const stopDlx = startProgram('dlx', clock, log, (context) => runDlx({ ...context, config: dlx, appUrl }));
  const stopAutoscaler = startProgram('autoscaler', clock, log, (context) =>
    runAutoscaler({ ...context, config: autoscaler, appUrl }),
  );
  await simulation.settled(cluster.apply(dlxSlice(address(1))));
  const metric = async (series: string): Promise<number> => {
    const response = await fetch(`http://${address(2)}:${infraPort}/metrics`, { headers: { connection: 'close' } });
    const line = (await response.text()).split('\n').find((one) => one.startsWith(`scaler_${series} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return {
    cluster,
    dlxAddress: address(1),
    log,
    metric: (series) => simulation.settled(metric(series)),
    async [Symbol.asyncDispose]() {
      for (const stop of [stopAutoscaler, stopDlx, cluster.close]) await passing(simulation, stop());
    },
  };
}

/** Lets time pass until the work is done, which needs timers. */
async function passing(simulation: Simulation, work: Promise<void>): Promise<void> {
  let over = false;
  const mark = (): void => void (over = true);
  work.then(mark, mark);
  await simulation.until('it has ended', () => over, 120_000);
  await work;
}

function startProgram(
  name: string,
  clock: Clock,
  log: string[],
  run: (context: ProcessContext) => Promise<void>,
): Stop {
  const destination = new PassThrough();
  destination.on('data', (line: Buffer) => {
    log.push(line.toString().trimEnd());
    if (log.length > keptLines) log.splice(0, keptLines / 10);
  });
  const logger = createLogger({ name, format: 'text', destination, clock });
  const seam = Object.assign(new EventEmitter(), { exit: () => undefined, stdout: destination, stderr: destination });
  const ended = runProcess({ name, logger, clock, process: seam, shutdownTimeoutMs: 60_000, run });
  return async () => {
    seam.emit('SIGTERM', 'SIGTERM');
    if ((await ended) !== 0) throw new Error(`${name} has failed: ${log.slice(-5).join('\n')}`);
  };
}

function dlxSlice(address: string): object {
  const conditions = { ready: true, serving: true, terminating: false };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: systemNamespace, name: 'dlx-1', labels: { 'kubernetes.io/service-name': 'dlx' } },
    addressType: 'IPv4',
    ports: [{ name: 'infra', port: infraPort, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions }],
  };
}
