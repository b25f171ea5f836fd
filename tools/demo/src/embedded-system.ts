import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
  type ProcessImage,
  startEmbeddedCluster,
} from '@scaler/testing-kit/kubernetes';

const root = join(import.meta.dirname, '../../..');
/** The namespace of the two apps. */
export const systemNamespace = 'scaler-system';
const infraPort = 8081;
const adminPort = 8082;
const httpPort = 8080;

export type App = 'dlx' | 'autoscaler';

export interface EmbeddedSystemOptions extends EmbeddedClusterOptions {
  /** Default 1. */
  readonly dlxReplicas?: number;
  /** Default 1. */
  readonly autoscalerReplicas?: number;
  /** Default 500. */
  readonly settleMs?: number;
  /** Further flags of the app. */
  readonly dlxArgs?: readonly string[];
  readonly autoscalerArgs?: readonly string[];
  /** The checkout whose programs run first; default: this one. */
  readonly checkout?: string;
  /** A folder in which npm has installed both apps: their programs run from there, and from no checkout. */
  readonly installed?: string;
  /** Further flags of Node.js itself, by app. */
  readonly nodeArgs?: (app: App) => readonly string[];
  /** Further options of the deployment scaler, for both apps. */
  readonly scalerOptions?: Readonly<Record<string, string>>;
}

/** An embedded cluster in which both apps run, as pods that are real processes of the real programs. */
export interface EmbeddedSystem extends EmbeddedCluster, AsyncDisposable {
  /** Folder of the apps' logs, `<pod>.log`; removed with the system. */
  readonly logFolder: string;
  /** The admin API of a DLX replica, with the autoscaler's under `/autoscaler`: `http://host:port`. */
  adminUrl(): string;
  /** Pods of both apps that start from now on run the programs of this checkout; default: this one. */
  runFrom(checkout?: string): void;
}

/** Starts the system; resolves when both apps are ready. The caller closes it, or holds it by `await using`. */
export async function startEmbeddedSystem(options: EmbeddedSystemOptions = {}): Promise<EmbeddedSystem> {
  const { dlxReplicas = 1, autoscalerReplicas = 1, settleMs = 500, scalerOptions, checkout } = options;
  const logFolder = await mkdtemp(join(tmpdir(), 'scaler-logs-'));
  const cluster = await startEmbeddedCluster(options);
  const close = async (): Promise<void> => {
    await cluster.close();
    await rm(logFolder, { recursive: true, force: true });
  };
  let runFrom: EmbeddedSystem['runFrom'];
  try {
    const env = { LOG_FOLDER: logFolder, KUBECONFIG: cluster.kubeconfigPath };
    const flags = [
      `--dlx-service=${systemNamespace}/dlx`,
      ...Object.entries({ settle: `${settleMs}ms`, ...scalerOptions }).map(([k, v]) => `--scaler-option=${k}=${v}`),
    ];
    const { dlxArgs = [], autoscalerArgs = [], nodeArgs = () => [], installed } = options;
    await cluster.service(systemNamespace, 'autoscaler', { port: adminPort });
    const autoscalerUrl = `--autoscaler-url=${cluster.serviceUrl(systemNamespace, 'autoscaler', adminPort)}`;
    const ownArgs = {
      dlx: [autoscalerUrl, ...dlxArgs],
      autoscaler: [`--lease-namespace=${systemNamespace}`, ...autoscalerArgs],
    };
    runFrom = (from = root) => {
      const place = installed ?? from;
      for (const app of ['dlx', 'autoscaler'] as const) {
        const main =
          installed === undefined ? `packages/${app}/src/main.ts` : `node_modules/@scaler/${app}/dist/main.js`;
        cluster.images[`scaler/${app}`] = appImage(
          join(place, main),
          nodeArgs(app),
          [...flags, ...ownArgs[app]],
          place,
          env,
        );
      }
    };
    runFrom(checkout);
    await cluster.apply(appDeployment('dlx', dlxReplicas));
    await cluster.apply(dlxService());
    await cluster.apply(appDeployment('autoscaler', autoscalerReplicas));
    await cluster.waitFor(() => isReady(cluster, 'dlx') && isReady(cluster, 'autoscaler'), { timeoutMs: 30_000 });
  } catch (error) {
    await close();
    throw error;
  }
  const own = { logFolder, adminUrl: () => adminUrlOf(cluster), runFrom, close, [Symbol.asyncDispose]: close };
  return { ...cluster, problems: cluster.problems, ...own };
}

/**
 * Runs the program of an app, with a log file of its own and a token of its own, `<pod>.<pid>`: by it the API's audit
 * distinguishes its processes, through restarts too.
 */
function appImage(
  main: string,
  nodeArgs: readonly string[],
  args: readonly string[],
  from: string,
  env: Readonly<Record<string, string>>,
): ProcessImage {
  const source = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];
  const flags = [...(main.endsWith('.ts') ? source : []), ...ownFlags(main), ...nodeArgs];
  const node = [process.execPath, ...flags, main];
  const own =
    'own="$KUBECONFIG.$HOSTNAME"; sed "s/token: .*/token: $HOSTNAME.$$/" "$KUBECONFIG" > "$own"; KUBECONFIG="$own"';
  const shell = ['/bin/sh', '-c', `${own} exec "$0" "$@" >> "$LOG_FOLDER/$HOSTNAME.log" 2>&1`];
  return { command: [...shell, ...node, ...args, '--log-format=text'], env, cwd: from };
}

/** The flags of Node itself in the first line of a program. */
export function ownFlags(program: string): string[] {
  const [first = ''] = readFileSync(program, 'utf8').split('\n', 1);
  return first.split(' ').filter((word) => word.startsWith('--'));
}

const fromPod = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } });

function appDeployment(app: App, replicas: number): object {
  const labels = { app };
  const ports = [{ name: 'infra', containerPort: infraPort }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace: systemNamespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: app,
              image: `scaler/${app}`,
              ports: app === 'dlx' ? [{ name: 'http', containerPort: httpPort }, ...ports] : ports,
              env: [
                fromPod('SCALER_IDENTITY', 'metadata.name'),
                ...['SCALER_INFRA_HOST', 'SCALER_ADMIN_HOST', ...(app === 'dlx' ? ['SCALER_LISTEN_HOST'] : [])].map(
                  (name) => fromPod(name, 'status.podIP'),
                ),
              ],
              readinessProbe: { httpGet: { path: '/readyz', port: 'infra' }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
}

function dlxService(): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'dlx', namespace: systemNamespace },
    spec: {
      selector: { app: 'dlx' },
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'infra', port: infraPort, targetPort: 'infra' },
      ],
    },
  };
}

function adminUrlOf({ api }: EmbeddedCluster): string {
  const [pod] = api.store.list('v1/pods', { namespace: systemNamespace, labelSelector: 'app=dlx' }).items;
  const { status } = pod as unknown as { status?: { podIP?: string } };
  return `http://${status?.podIP}:${adminPort}`;
}

function isReady({ api }: EmbeddedCluster, app: string): boolean {
  const { spec, status } = api.store.get(`apps/v1/deployments`, systemNamespace, app) as {
    spec?: { replicas?: number };
    status?: { readyReplicas?: number };
  };
  return status?.readyReplicas === spec?.replicas;
}
