import { type Pod, share } from '@scaler/kube';

/** How to ask a pod whether it is ready, as its readinessProbe says; `port` is already resolved. Frozen and shared. */
export type ProbeSpec = {
  readonly port: number;
  /** At most 1 s, whatever the probe says. */
  readonly timeoutMs: number;
  /** Successes in a row. */
  readonly successThreshold: number;
} & (
  | {
      readonly type: 'http';
      readonly path: string;
      readonly tls: boolean;
      readonly headers: readonly (readonly [name: string, value: string])[];
    }
  | { readonly type: 'tcp' }
  | { readonly type: 'grpc'; readonly service: string }
);

/** A named or numbered port of a container. */
export interface ContainerPort {
  readonly name: string | undefined;
  readonly port: number;
  readonly protocol: string;
}

/** What matters of a pod's specification. Frozen, and shared by all pods and templates that look alike. */
export type PodShape = Readonly<ReturnType<typeof podShape>>;

type PodSpec = NonNullable<Pod['spec']>;
type Container = PodSpec['containers'][number];
type Probe = NonNullable<Container['readinessProbe']>;

const maxProbeTimeoutMs = 1_000;
/** They are run every 50 ms: a pod that has more, or sends more with one, is left to the kubelet. */
const mostProbes = 16;
const mostProbeBytes = 8_192;
const mostScratch = 8;

/** The shape of a pod, or of a workload's pod template. */
export function podShape(spec: PodSpec | undefined) {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const running = [...sidecars, ...(spec?.containers ?? [])];
  return share({
    ports: running.flatMap(containerPorts),
    /**
     * All must pass for the pod to be ready. Empty: no container has a readinessProbe. Undefined: only the kubelet can
     * tell (exec probes, startup probes, readiness gates, probes to another host or an unknown port).
     */
    probes: (spec?.readinessGates ?? []).length > 0 ? undefined : probesOf(running),
    /** Names of all containers, init containers included; a mesh's sidecar is known by its name. */
    containers: [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => name),
    /** Names of its volumes whose content goes with the pod, or stays on a node that the next pod may not come to. */
    scratch: (spec?.volumes ?? [])
      .filter(({ emptyDir, ephemeral, hostPath }) => [emptyDir, ephemeral, hostPath].some((one) => one !== undefined))
      .map(({ name }) => name)
      .slice(0, mostScratch),
    /** What serves waits before it gets SIGTERM, as far as can be told. */
    preStop: hasPreStop(spec),
  });
}

// Ports need not be declared: where no container declares one that a Service may lead to, any of them may serve.
function hasPreStop(spec: PodSpec | undefined): boolean {
  // Without a grace period nothing is waited for.
  if (spec?.terminationGracePeriodSeconds === 0) return false;
  // A sidecar of the initContainers ends after them.
  const { containers = [] } = spec ?? {};
  const declaring = containers.filter(({ ports }) => (ports ?? []).some(({ protocol = 'TCP' }) => protocol === 'TCP'));
  return declaring.length > 0 ? declaring.every(waits) : containers.some(waits);
}

function waits({ lifecycle }: Container): boolean {
  const { preStop } = lifecycle ?? {};
  return preStop !== undefined && preStop.sleep?.seconds !== 0;
}

function containerPorts(container: Container): ContainerPort[] {
  return (container.ports ?? []).map(({ name, containerPort, protocol }) => ({
    name,
    port: containerPort,
    protocol: protocol ?? 'TCP',
  }));
}

function probesOf(containers: readonly Container[]): readonly ProbeSpec[] | undefined {
  const probes: ProbeSpec[] = [];
  for (const container of containers) {
    if (container.startupProbe) return undefined;
    if (!container.readinessProbe) continue;
    const spec = probeSpec(container.readinessProbe, container);
    if (!spec || probes.length === mostProbes) return undefined;
    probes.push(spec);
  }
  return probes;
}

function probeSpec(probe: Probe, container: Container): ProbeSpec | undefined {
  const common = {
    timeoutMs: Math.min(maxProbeTimeoutMs, (probe.timeoutSeconds ?? 1) * 1_000),
    successThreshold: probe.successThreshold ?? 1,
  };
  const { httpGet, tcpSocket, grpc } = probe;
  const port = probePort((httpGet ?? tcpSocket ?? grpc)?.port, container);
  if (port === undefined || (httpGet?.host ?? tcpSocket?.host ?? '') !== '') return undefined;
  if (JSON.stringify(httpGet ?? grpc ?? {}).length > mostProbeBytes) return undefined;
  if (httpGet) {
    return {
      type: 'http',
      port,
      ...common,
      path: httpGet.path ?? '/',
      tls: httpGet.scheme === 'HTTPS',
      headers: (httpGet.httpHeaders ?? []).map(({ name, value }) => [name, value] as const),
    };
  }
  return grpc ? { type: 'grpc', port, ...common, service: grpc.service ?? '' } : { type: 'tcp', port, ...common };
}

// The kubelet looks a probe's named port up in the probe's own container only.
function probePort(port: number | string | undefined, container: Container): number | undefined {
  if (typeof port !== 'string') return port;
  return (container.ports ?? []).find(({ name }) => name === port)?.containerPort;
}
