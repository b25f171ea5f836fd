import type { Container, EnvVar, Pod } from '../objects.ts';

/** The environment of a container: the machine's least, then the image's, the pod's and the container's own. */
export function containerEnv(
  pod: Pod,
  container: Container,
  imageEnv: Readonly<Record<string, string>>,
  podIP: string,
): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  const firstPort = container.ports?.[0]?.containerPort;
  return {
    PATH,
    HOME,
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    POD_IP: podIP,
    ...(firstPort !== undefined && { PORT: String(firstPort) }),
    ...imageEnv,
    ...Object.fromEntries((container.env ?? []).map((item) => [item.name, valueOf(item, pod, podIP)])),
  };
}

function valueOf({ value = '', valueFrom }: EnvVar, pod: Pod, podIP: string): string {
  const path = valueFrom?.fieldRef?.fieldPath;
  if (path === undefined) return value;
  const fields: Record<string, string | undefined> = {
    'status.podIP': podIP,
    'status.hostIP': '127.0.0.1',
    'spec.nodeName': pod.spec.nodeName,
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
  };
  const label = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (label) return pod.metadata[label[1] as 'labels' | 'annotations']?.[label[2] ?? ''] ?? '';
  return fields[path] ?? '';
}
