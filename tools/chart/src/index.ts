export { writeDerived } from './offline.ts';
export { checkScope } from './scope.ts';
export { helm, kubectl } from './kubectl.ts';
export { chart, root } from './places.ts';
