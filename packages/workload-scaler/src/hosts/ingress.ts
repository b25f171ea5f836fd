import type { Route } from '@scaler/scaler-types';
import type { Ingress } from '@scaler/kube';
import { stickyOf } from '../routing/service-info.ts';

/** A route that leads to a Service of its namespace. */
export interface ServiceRoute extends Route {
  readonly service: string;
  /** Number or name; undefined: any. */
  readonly port: number | string | undefined;
  /** RFC 3339; since when what declares it is there. */
  readonly since?: string;
}

/** So many routes of one resource are shown: each is entered for its host, and an owner who writes one may write thousands. */
export const mostRoutes = 2_000;

/** What is kept of an Ingress. */
export type IngressInfo = Readonly<ReturnType<typeof trimIngress>>;

type Backend = { service?: { name: string; port?: { number?: number; name?: string } } };

const ipTargetAnnotations: readonly (readonly [key: string, value: string])[] = [
  ['alb.ingress.kubernetes.io/target-type', 'ip'],
  // Application Gateway goes by Endpoints, in which the DLX is not.
  ['kubernetes.io/ingress.class', 'azure/application-gateway'],
];
const ipTargetClasses = ['azure-application-gateway'];

/** Trims an Ingress. */
export function trimIngress({ metadata, spec, status }: Ingress) {
  const age = metadata?.creationTimestamp === undefined ? {} : { since: metadata.creationTimestamp };
  const fallback = spec?.defaultBackend === undefined ? [] : routeTo(spec.defaultBackend, { host: '*', ...age });
  const rules = (spec?.rules ?? []).flatMap(({ host, http }) =>
    (http?.paths ?? []).flatMap(({ path, pathType, backend }) =>
      routeTo(backend, {
        host: host === undefined || host === '' ? '*' : host.toLowerCase(),
        path: path === undefined || path === '' ? '/' : path,
        pathType: pathType === 'Exact' ? 'Exact' : 'Prefix',
        ...age,
      }),
    ),
  );
  const routes = [...rules, ...fallback];
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    routes,
    /** Every Service it names, each once. */
    services: [...new Set(routes.map(({ service }) => service))],
    /** By its field, or by the annotation of old; undefined: it has none. */
    className: spec?.ingressClassName ?? metadata?.annotations?.['kubernetes.io/ingress.class'],
    /** A controller has written into its status where it is served. */
    isServed: (status?.loadBalancer?.ingress ?? []).length > 0,
    /** The annotation by which its controller keeps each client at one pod, `key=value`. */
    sticky: stickyOf(metadata?.annotations ?? {}),
    /** The annotation or class that makes a load balancer send to pods by itself, `key=value`. */
    ipTargets: ipTargets(metadata?.annotations ?? {}, spec?.ingressClassName),
  };
}

function ipTargets(annotations: Readonly<Record<string, string>>, className = ''): string | undefined {
  const found = ipTargetAnnotations.find(([key, value]) => annotations[key] === value);
  if (found !== undefined) return found.join('=');
  return ipTargetClasses.includes(className) ? `ingressClassName=${className}` : undefined;
}

function routeTo({ service }: Backend, route: Route): ServiceRoute[] {
  if (service === undefined) return [];
  return [{ ...route, service: service.name, port: service.port?.number ?? service.port?.name }];
}
