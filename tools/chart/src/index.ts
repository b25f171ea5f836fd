export { checkScope } from './bounds.ts';
export { helm, kubectl, type Ran, run, until } from './kubectl.ts';
export { chart, root } from './places.ts';
