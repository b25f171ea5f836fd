import type { GatewayClass, IngressClass, Store } from '@scaler/kube';
import type { GatewayInfo, RouteParent } from './http-route.ts';
import type { IngressInfo } from './ingress.ts';

/** What is kept of an IngressClass, and of a GatewayClass. */
export type ClassInfo = Readonly<ReturnType<typeof trimClass>>;

/** Trims an IngressClass or a GatewayClass. */
export function trimClass({ metadata }: IngressClass | GatewayClass) {
  const isDefault = metadata?.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';
  return { name: metadata?.name ?? '' /** What has no class is of this one. */, isDefault };
}

/** Says whether a controller takes an Ingress or an HTTPRoute for its own: what no controller runs names nothing. */
export type Classes = ReturnType<typeof createClasses>;

export interface ClassesParts {
  readonly ingressClasses: Store<ClassInfo>;
  readonly gatewayClasses: Store<ClassInfo>;
  /** Those that an admin names; `*`: any. */
  readonly accepted: readonly string[];
}

/** Tenants may write any class into an Ingress, and any parent into an HTTPRoute, but neither classes nor a status. */
export function createClasses({ ingressClasses, gatewayClasses, accepted }: ClassesParts) {
  const any = accepted.includes('*');
  const named = new Set(accepted);
  const isClass = (name: string): boolean =>
    named.size > 0 ? named.has(name) : ingressClasses.get(undefined, name) !== undefined;
  // Where the cluster has no classes an Ingress needs none.
  const needsNone = (): boolean => {
    const found = ingressClasses.list().filter(({ name }) => named.size === 0 || named.has(name));
    return found.length === 0 ? named.size === 0 : found.some(({ isDefault }) => isDefault);
  };
  return {
    /** Why an Ingress does not count, in words; undefined: it does. */
    ingressProblem: ({ name, className, isServed }: IngressInfo): string | undefined => {
      if (any) return undefined;
      if (className === undefined)
        return needsNone() ? undefined : `${noun(name)} has no class, and none is the default`;
      if (isClass(className)) return undefined;
      if (named.size === 0 && isServed === true) return undefined;
      return `${noun(name)} is of the class ${className.slice(0, 80)}, which ${named.size > 0 ? 'is not among ingressClasses' : 'the cluster does not have'}`;
    },
    /** Whether an HTTPRoute hangs on this parent. `gateway`: undefined where there is none, or it must not be read. */
    isParent: ({ accepted: isAccepted }: RouteParent, gateway: GatewayInfo | undefined): boolean => {
      if (isAccepted === true || (gatewayClasses.size === 0 && !isForbidden(gatewayClasses))) return true;
      return gateway !== undefined && gatewayClasses.get(undefined, gateway.className) !== undefined;
    },
  };
}

function noun(name: string): string {
  return `Ingress ${name}`;
}

function isForbidden({ failures }: Store<ClassInfo>): boolean {
  return failures.some(({ error }) => error.code === 'forbidden');
}
