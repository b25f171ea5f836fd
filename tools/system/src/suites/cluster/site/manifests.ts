import { kubectl } from '@scaler/chart';

/** An entry of a list of containers, ports, rules and the like. */
type Part = Readonly<Record<string, unknown>>;

const rbac = 'rbac.authorization.k8s.io';

/** `kubectl apply` of these objects, in their order. */
export async function apply(items: readonly object[]): Promise<void> {
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

export function namespaceObject(name: string, labels: Part = {}): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function configMap(namespace: string, name: string, data: Part): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data };
}

/** A Service of the pods with the label `app`. */
export function service(namespace: string, name: string, ports: readonly Part[], app = name): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec: { selector: { app }, ports } };
}

/** A Deployment of pods with the label `app: NAME`. `metadata` and `spec` are over its own; so are `apiVersion` and `kind`. */
export function deployment(
  namespace: string,
  name: string,
  pod: object,
  { metadata = {}, spec = {}, ...more }: { readonly metadata?: object; readonly spec?: object } & Part = {},
): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    ...more,
    metadata: { namespace, name, ...metadata },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod }, ...spec },
  };
}

/** The spec of a pod that does not run as root. */
export function podSpec(containers: readonly Part[], more: object = {}): object {
  return {
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000 },
    containers: containers.map((one) => ({ imagePullPolicy: 'IfNotPresent', ...one })),
    ...more,
  };
}

/** A ServiceAccount with these rights in every namespace; {@link forNamespace} finds what stands in none. */
export function account(namespace: string, name: string, rules: readonly Part[]): readonly object[] {
  const metadata = { name: `${namespace}-${name}`, labels: { for: namespace } };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata, rules },
    binding('ClusterRoleBinding', metadata, `ClusterRole/${metadata.name}`, { namespace, name }),
  ];
}

/** Gives a ServiceAccount a role: `KIND/NAME`. */
export function binding(
  kind: 'ClusterRoleBinding' | 'RoleBinding',
  metadata: object,
  role: string,
  subject: { readonly namespace: string; readonly name: string },
): object {
  const [roleKind, name] = role.split('/');
  return {
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: { labels: { for: subject.namespace }, ...metadata },
    roleRef: { apiGroup: rbac, kind: roleKind, name },
    subjects: [{ kind: 'ServiceAccount', ...subject }],
  };
}

/** The selector of the roles and bindings that stand in other namespaces than the one that they are for. */
export const forNamespace = (namespace: string): readonly string[] => ['-l', `for=${namespace}`, '--ignore-not-found'];

export const metricsGroup = 'custom.metrics.k8s.io';

/** Makes a Service the server of the custom metrics API. */
export function metricsApi(
  version: 'v1beta1' | 'v1beta2',
  versionPriority: number,
  namespace: string,
  name: string,
): { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${metricsGroup}` },
    spec: {
      group: metricsGroup,
      version,
      groupPriorityMinimum: 100,
      versionPriority,
      insecureSkipTLSVerify: true,
      service: { name, namespace, port: 443 },
    },
  } as { readonly metadata: { readonly name: string } };
}
