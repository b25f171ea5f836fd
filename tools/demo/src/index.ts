export {
  type EmbeddedSystem,
  type EmbeddedSystemOptions,
  startEmbeddedSystem,
  systemNamespace,
} from './embedded-system.ts';
