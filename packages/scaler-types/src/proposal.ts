const ofBoth = [
  'infraHost',
  'infraPort',
  'adminPort',
  'logLevel',
  'logFormat',
  'shutdownTimeout',
  'loopLimit',
] as const;

/** The settings that a scaler may propose to each app, by name. The apps' own tables hold to it. */
export const proposableSettings = {
  autoscaler: [
    ...(['scaleInterval', 'cooldown', 'busyLimit', 'idleAfter', 'maxParks', 'maxReconciles', 'brakeParks'] as const),
    ...(['metricsSource', 'metricResource', 'metricNamePattern', 'metricsTimeout', 'metricsConcurrency'] as const),
    ...(['collectTimeout', 'dlxPeers', 'dlxInfraPort', 'dlxControlPort', 'peerTimeout', 'preflightTimeout'] as const),
    ...(['lease', 'leaseName', 'leaseDuration'] as const),
    ...ofBoth,
  ],
  dlx: [
    ...(['listenHost', 'listenPort', 'clusterDomain', 'targetHeader', 'trustForwarded', 'quietStatus'] as const),
    ...(['problemDetails', 'holdTimeout', 'holdLimit', 'holdLimitTotal', 'holdBytesTotal', 'connectionLimit'] as const),
    ...(['overflowStatus', 'connectTimeout', 'responseTimeout', 'idleTimeout', 'resourceInterval'] as const),
    ...(['upstreamKeepAlive', 'clientIdleTimeout', 'answersCors'] as const),
    ...(['wakeLimit', 'wakeLimitNamespace', 'propagate', 'drainTimeout'] as const),
    ...(['memoryLimit', 'memoryShed', 'memoryUnready', 'memoryRestart', 'controlHost', 'controlPort'] as const),
    ...ofBoth,
  ],
} as const;

type App = keyof typeof proposableSettings;
type NameOf<A extends App> = (typeof proposableSettings)[A][number];
type None<Name extends string> = { readonly [N in Name]?: never };

/** Settings of one app, each as its flag takes it. Names that only the other app has do not compile. */
type Proposal<A extends App> = { readonly [N in NameOf<A>]?: string | number | boolean | undefined } & None<
  Exclude<NameOf<App>, NameOf<A>>
>;

/** The settings that a scaler proposes to each app, by name, in camelCase. Explicit flags and environment win over them. */
export type ProposedConfig = { readonly [A in App]?: Proposal<A> } & None<NameOf<App>>;
