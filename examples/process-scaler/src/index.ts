export { createResourceScaler } from './scaler.ts';
