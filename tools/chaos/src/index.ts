export { isLegal } from './judge/legal.ts';
export { createRandom, type Random } from './random.ts';
