import { customKind, type KubeObject } from '@scaler/kube';

/** A TargetGroupBinding of AWS, as far as it is used. */
interface TargetGroupBinding extends KubeObject {
  spec?: { targetType?: string; serviceRef?: { name?: string } };
}

/** What is kept of a TargetGroupBinding: what an ALB or NLB has of a Service. */
export type TargetGroupInfo = Readonly<ReturnType<typeof trimTargetGroup>>;

const targetGroups = { plural: 'targetgroupbindings', kind: 'TargetGroupBinding', namespaced: true } as const;

/**
 * Made by the load balancer controller for whatever leads to a Service, so that it tells what neither of them does: a
 * default of the controller, of an IngressClassParams or of a Gateway. The second is EKS Auto Mode's.
 */
export const targetGroupKinds = [
  customKind<TargetGroupBinding>({ ...targetGroups, group: 'elbv2.k8s.aws', version: 'v1beta1' }),
  customKind<TargetGroupBinding>({ ...targetGroups, group: 'eks.amazonaws.com', version: 'v1' }),
];

/** Trims a TargetGroupBinding. */
export function trimTargetGroup({ metadata, spec }: TargetGroupBinding) {
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    service: spec?.serviceRef?.name ?? '',
    /** Its targets are pods, not nodes. */
    isIp: spec?.targetType === 'ip',
  };
}
