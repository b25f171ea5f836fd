export {
  type EmbeddedSystem,
  type EmbeddedSystemOptions,
  ownFlags,
  startEmbeddedSystem,
  systemNamespace,
} from './embedded-system.ts';
export { createWorkload, playRound } from './round.ts';
