import type { KubeObject } from './wire.ts';

/** A reference of Gateway API; what is left out is the referring object's own, or the default of the field. */
export interface GatewayReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  port?: number;
}

/** The parent of a route: a Gateway by default, all of its listeners or one of them. */
export interface ParentReference extends GatewayReference {
  sectionName?: string;
}

/** The backend of a rule. */
export interface BackendReference extends GatewayReference {
  /** Default 1; 0: nothing is sent there. */
  weight?: number;
}

/** The conditions under which a request matches a rule. */
export interface HttpRouteMatch {
  /** Default: `PathPrefix` of `/`. */
  path?: { type?: 'Exact' | 'PathPrefix' | 'RegularExpression'; value?: string };
  headers?: object[];
  queryParams?: object[];
  method?: string;
}

/** An HTTPRoute of `gateway.networking.k8s.io/v1`, as far as it is used. */
export interface HttpRoute extends KubeObject {
  spec?: {
    parentRefs?: ParentReference[];
    hostnames?: string[];
    rules?: { matches?: HttpRouteMatch[]; backendRefs?: BackendReference[] }[];
  };
  status?: {
    parents?: { parentRef: ParentReference; conditions?: { type: string; status: string }[] }[];
  };
}

/** A Gateway of `gateway.networking.k8s.io/v1`, as far as it is used. */
export interface Gateway extends KubeObject {
  spec?: {
    gatewayClassName?: string;
    listeners?: { name: string; hostname?: string; port: number; protocol?: string }[];
  };
}

/** A GatewayClass of `gateway.networking.k8s.io/v1`, as far as it is used. */
export type GatewayClass = KubeObject;
