import type { CreateResourceScaler } from '@scaler/scaler-types';
import { ScriptedScaler } from './scripted-scaler.ts';

/** A resource scaler whose `web` is awake at the option `port` of this machine. */
export const createResourceScaler: CreateResourceScaler = ({ options }) => {
  const scaler = new ScriptedScaler();
  const { port = '' } = options;
  scaler.endpoints('web', [{ address: '127.0.0.1', port: Number(port), id: `web:${port}` }]);
  scaler.set({ name: 'web', phase: 'awake', dlxSeesAll: true });
  return scaler;
};
