import type { Labels, Probe } from './objects.ts';

export interface DeploymentOptions {
  /** Key of the cluster's `images`. */
  readonly image: string;
  /** Default 1. */
  readonly replicas?: number;
  /** Container port, named `http`; also given to the container as `PORT`. */
  readonly port?: number;
  /** Labels of the Deployment; its pods have `app: <name>` alone. */
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly env?: Readonly<Record<string, string>>;
  readonly readinessProbe?: Probe;
  /** Seconds of a preStop sleep. Default: none. */
  readonly preStopSeconds?: number;
  /** Default 30. */
  readonly terminationGracePeriodSeconds?: number;
}

export interface ServiceOptions {
  /** Default `{ app: <name> }`; `null` for none. */
  readonly selector?: Labels | null;
  readonly port: number;
  /** Default: `port`. */
  readonly targetPort?: number | string;
  /** Port name. Default: none. */
  readonly portName?: string;
}

/** A Deployment of one container whose pods are labelled `app: <name>`. */
export function deploymentManifest(namespace: string, name: string, options: DeploymentOptions): object {
  const { image, replicas = 1, port, labels, annotations, env = {}, readinessProbe } = options;
  const { preStopSeconds: seconds, terminationGracePeriodSeconds } = options;
  const app = { app: name };
  const container = {
    name: 'app',
    image,
    ports: port === undefined ? undefined : [{ name: 'http', containerPort: port }],
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    readinessProbe,
    lifecycle: seconds === undefined ? undefined : { preStop: { sleep: { seconds } } },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: { ...app, ...labels }, annotations },
    spec: {
      replicas,
      selector: { matchLabels: app },
      template: { metadata: { labels: app }, spec: { containers: [container], terminationGracePeriodSeconds } },
    },
  };
}

export function serviceManifest(namespace: string, name: string, options: ServiceOptions): object {
  const { selector = { app: name }, port, targetPort, portName } = options;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: { selector: selector ?? undefined, ports: [{ name: portName, port, targetPort }] },
  };
}
