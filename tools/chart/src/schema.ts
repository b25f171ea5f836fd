import { join } from 'node:path';
import { type ConfigTable, optionsSchema, type ValueSchema } from '@scaler/runtime';
import { root } from './places.ts';

const object = (properties: Record<string, ValueSchema>): ValueSchema => ({
  type: 'object',
  additionalProperties: false,
  properties,
});
const text: ValueSchema = { type: 'string' };
const flag: ValueSchema = { type: 'boolean' };
const word = (...allowed: string[]): ValueSchema => ({ type: 'string', enum: allowed });
const count = (minimum: number, maximum?: number): ValueSchema => ({
  type: 'integer',
  minimum,
  ...(maximum !== undefined && { maximum }),
});
/** Names of Kubernetes, whose own schema the API server checks. */
const free: ValueSchema = { type: 'object' };
const list = (items: ValueSchema): ValueSchema => ({ type: 'array', items });
const texts: ValueSchema = { type: 'object', additionalProperties: { type: 'string' } };
const dnsLabel: ValueSchema = { type: 'string', pattern: '^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$' };
const duration: ValueSchema = { type: 'string', pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$' };

const image = object({ repository: text, tag: text, digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' } });

const workload = {
  resources: free,
  serviceAccount: object({ create: flag, name: text, annotations: texts }),
  podDisruptionBudget: object({ enabled: flag }),
  podLabels: texts,
  podAnnotations: texts,
  nodeSelector: texts,
  tolerations: list(free),
  affinity: free,
  topologySpreadConstraints: list(free),
  extraEnv: list(free),
  extraVolumes: list(free),
  extraVolumeMounts: list(free),
};

/** The schema of the chart's values. Defaults of settings are in it for readers; the apps apply them. */
export async function valuesSchema(): Promise<ValueSchema> {
  const autoscaler = optionsSchema(await settingsOf('autoscaler'));
  const dlx = optionsSchema(await settingsOf('dlx'));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart scaler',
    ...object({
      global: free,
      nameOverride: dnsLabel,
      fullnameOverride: dnsLabel,
      images: object({
        registry: text,
        pullPolicy: word('Always', 'IfNotPresent', 'Never'),
        autoscaler: image,
        dlx: image,
      }),
      imagePullSecrets: list(free),
      scope: scope(),
      scaler: object({
        package: { type: 'string', minLength: 1 },
        options: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
        pluginVolume: free,
      }),
      autoscaler: object({ replicas: count(1, 10), settings: autoscaler, ...workload }),
      dlx: object({ replicas: count(1, 100), settings: dlx, ...dlxOnly(), ...workload }),
      control: object({ tokenSecret: text }),
      podSecurity: object({ runAsUser: count(0) }),
      priorityClass: object({ create: flag, name: text, value: count(-2147483648, 1_000_000_000) }),
      rbac: object({ create: flag }),
      ...guards(),
      ...watchers(),
      uninstall: object({ enabled: flag, grace: duration }),
    }),
  };
}

function scope(): ValueSchema {
  const namespaces = { ...list({ ...dnsLabel, minLength: 1 }), uniqueItems: true };
  return {
    ...object({ type: word('cluster', 'namespaces'), namespaces, readNamespaces: flag }),
    if: { properties: { type: { const: 'namespaces' } } },
    then: { properties: { namespaces: { minItems: 1 } } },
    else: { properties: { namespaces: { maxItems: 0 } } },
  };
}

function dlxOnly(): Record<string, ValueSchema> {
  return {
    preStopSeconds: count(0, 300),
    service: object({
      port: count(1, 65_535),
      annotations: texts,
      ipFamilyPolicy: word('', 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
    }),
    autoscaling: object({
      enabled: flag,
      minReplicas: count(1, 100),
      maxReplicas: count(1, 100),
      heldRequests: count(1),
      metric: text,
    }),
  };
}

function guards(): Record<string, ValueSchema> {
  return {
    admission: object({
      annotations: object({ enabled: flag, action: word('Deny', 'Warn', 'Audit') }),
      state: object({ warn: flag, deny: flag }),
      accounts: object({ enabled: flag, replicas: count(1), exceptNamespaces: list(text) }),
    }),
    networkPolicy: object({ enabled: flag, dataFrom: list(free), metricsFrom: list(free) }),
  };
}

function watchers(): Record<string, ValueSchema> {
  const query = { ...object({ query: text, label: text, doubt: text }), required: ['query'] };
  return {
    prometheus: object({ queries: { type: 'object', additionalProperties: query } }),
    monitoring: object({
      serviceMonitor: object({ enabled: flag }),
      podMonitor: object({ enabled: flag }),
      interval: duration,
      labels: texts,
      rules: object({ enabled: flag, runbookUrl: text }),
      dashboard: object({ enabled: flag, labels: texts }),
    }),
  };
}

/** The settings that the chart itself passes to an app, so that `settings` must not have them. */
const owned: Readonly<Record<'autoscaler' | 'dlx', readonly string[]>> = {
  autoscaler: [
    ...['scaler', 'scalerOption', 'pluginDir', 'identity', 'namespaces', 'kubeconfig', 'dlxService'],
    ...['infraHost', 'infraPort', 'dlxPeers', 'dlxInfraPort', 'lease', 'leaseNamespace', 'leaseName'],
    ...['controlTokenFile', 'dlxControlPort'],
    ...['prometheusQueries', 'uninstall', 'uninstallStops', 'uninstallGrace'],
  ],
  dlx: [
    ...['scaler', 'scalerOption', 'pluginDir', 'identity', 'namespaces', 'kubeconfig', 'dlxService'],
    ...['infraHost', 'infraPort', 'listenHost', 'listenPort', 'controlHost', 'controlPort', 'controlTokenFile'],
  ],
};

const files = { autoscaler: 'packages/autoscaler/src/app/settings.ts', dlx: 'packages/dlx/src/settings.ts' };

/** The settings of an app that values may give. @throws when the chart owns one that the app does not have. */
async function settingsOf(app: keyof typeof files): Promise<ConfigTable> {
  // The app does not export them: only its own program and this check need them.
  const { settings } = (await import(join(root, files[app]))) as { settings: ConfigTable };
  const missing = owned[app].find((name) => !(name in settings));
  if (missing !== undefined) throw new Error(`${app} has no setting ${missing}, which the chart passes to it`);
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !owned[app].includes(name)));
}
