import { type Account, type Accounts, annotated, type Attempt, patched, type Write } from './attempt.ts';
import { appNamespace } from '../sleepers.ts';

const noted = (annotations: object): Write => patched(appNamespace, 'service/selector', { metadata: { annotations } });
const service = (spec: object): Write => patched(appNamespace, 'service/selector', { spec });

/** Writes of Services with the stolen tokens of the two accounts. */
export function serviceAttempts({ autoscaler, dlx }: Accounts, namespace: string): Attempt[] {
  const ports = [{ port: 81, name: 'http' }];
  const nothing = 'nothing of a Service';
  return [
    autoscaler('its own key in a selector', service({ selector: { 'scaler/asleep': 'x' } })),
    autoscaler('its own key out of a selector', service({ selector: { 'scaler/asleep': null } })),
    autoscaler('its own annotation on a Service', noted({ 'scaler/touched': 'true' })),
    autoscaler('another annotation on a Service', noted({ note: 'x' }), 'no annotations'),
    autoscaler('an annotation of a workload on a Service', noted({ 'scaler/state': '{}' }), 'no annotations'),
    autoscaler('its own annotation on a workload', annotated({ 'scaler/touched': 'true' }), 'no annotations'),
    dlx('its own annotation on a Service, by the DLX', noted({ 'scaler/touched': 'true' }), 'forbidden'),
    autoscaler('another key in a selector', service({ selector: { app: 'other' } }), 'no key'),
    autoscaler('the ports of a Service', service({ ports }), nothing),
    autoscaler('externalIPs of a Service', service({ externalIPs: ['192.0.2.1'] }), nothing),
    dlx('a Service by the DLX', service({ selector: { 'scaler/asleep': 'x' } }), 'forbidden'),
    ...widerServices(autoscaler, namespace),
  ];
}

/** Services that no park diverts. */
function widerServices(autoscaler: Account, namespace: string): Attempt[] {
  const asleep = (where: string, name: string): Write =>
    patched(where, `service/${name}`, { spec: { selector: { 'scaler/asleep': '0123456789abcdef' } } });
  return [
    autoscaler('the key on kube-dns', asleep('kube-system', 'kube-dns'), "the system's namespaces"),
    autoscaler('the key on the DLX itself', asleep(namespace, 'scaler-dlx'), 'none of scaler itself'),
    autoscaler('the key on a Service without a selector', asleep('default', 'kubernetes'), 'no selector'),
    autoscaler('the key on a headless Service', asleep(appNamespace, 'headless'), 'no address of its own'),
  ];
}
