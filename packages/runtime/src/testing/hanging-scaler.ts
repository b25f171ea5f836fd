/** A scaler that hangs where its option `hangs` says. */
import type { CreateResourceScaler, Resource } from '@scaler/scaler-types';

const never = (): Promise<never> => new Promise(() => {});
const web: Resource = { namespace: 'default', name: 'web', phase: 'awake', scaleResources: [], targets: [] };

if (process.argv.includes('hangs=import')) await never();

export const createResourceScaler: CreateResourceScaler = ({ options }) => {
  const hangs = (member: string): boolean => options['hangs'] === member;
  if (hangs('factory')) return never();
  return {
    getConfig: () => (hangs('getConfig') ? never() : { autoscaler: { lease: false, metricsSource: 'none' } }),
    getResources: () => (hangs('getResources') ? never() : Promise.resolve([web])),
    setScale: async (refs) => refs.map((resource) => ({ resource, ok: true })),
    resolveServiceName: () => '127.0.0.1:1',
    ...(hangs('watchResources') && { watchResources: never }),
    ...(hangs('close') && { close: never }),
  };
};
