import { type Accounts, type Attempt, patched } from './attempt.ts';
import { appNamespace } from '../sleepers.ts';

const service = (patch: object): string[] => patched(appNamespace, 'service/selector', patch);

/** Writes of Services with the stolen tokens of the two accounts. */
export function serviceAttempts({ autoscaler, dlx }: Accounts, namespace: string): Attempt[] {
  return [
    {
      what: 'its own key in a selector',
      as: autoscaler,
      args: service({ spec: { selector: { 'scaler/asleep': 'x' } } }),
    },
    {
      what: 'its own key out of a selector',
      as: autoscaler,
      args: service({ spec: { selector: { 'scaler/asleep': null } } }),
    },
    {
      what: 'another key in a selector',
      as: autoscaler,
      args: service({ spec: { selector: { app: 'other' } } }),
      refused: 'no key',
    },
    {
      what: 'the ports of a Service',
      as: autoscaler,
      args: service({ spec: { ports: [{ port: 81, name: 'http' }] } }),
      refused: 'nothing of a Service',
    },
    {
      what: 'externalIPs of a Service',
      as: autoscaler,
      args: service({ spec: { externalIPs: ['192.0.2.1'] } }),
      refused: 'nothing of a Service',
    },
    {
      what: 'a Service by the DLX',
      as: dlx,
      args: service({ spec: { selector: { 'scaler/asleep': 'x' } } }),
      refused: 'forbidden',
    },
    ...widerServices(autoscaler, namespace),
  ];
}

/** Services that no park diverts. */
function widerServices(as: string, namespace: string): Attempt[] {
  const asleep = { spec: { selector: { 'scaler/asleep': '0123456789abcdef' } } };
  return [
    ['the key on kube-dns', 'kube-system', 'service/kube-dns', "the system's namespaces"],
    ['the key on the DLX itself', namespace, 'service/scaler-dlx', 'none of scaler itself'],
    ['the key on a Service without a selector', 'default', 'service/kubernetes', 'no selector'],
    ['the key on a headless Service', appNamespace, 'service/headless', 'no address of its own'],
  ].map(([what = '', where = '', service = '', refused = '']) => ({
    ...{ what, as, args: patched(where, service, asleep), refused },
  }));
}
