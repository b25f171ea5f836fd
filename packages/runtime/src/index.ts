export { type Config, loadConfig } from './config/config.ts';
export { optionsSchema, optionsTable } from './config/outputs.ts';
export { type HostPort, type NamespacedName, type Parser, parsers, type ValueSchema } from './config/parsers.ts';
export {
  type ConfigTable,
  type ConfigValues,
  defineConfig,
  flagName,
  type Setting,
  setting,
} from './config/setting.ts';
export { configError, RuntimeError, type RuntimeErrorCode, runtimeErrors } from './errors.ts';
export { readSmallFile, readSmallFileSync } from './files.ts';
export { type AdminApp, sendProblem, startAdminServer } from './http/admin-server.ts';
export { createChecks } from './http/checks.ts';
export { movedRoutes, startControlServer } from './http/control-server.ts';
export { startInfraServer } from './http/infra-server.ts';
export { type ListenAddress } from './http/listen.ts';
export { PeerRates } from './http/peer-rates.ts';
export { type InfraReply, type InfraRequest, type InfraRoute, type InfraServer } from './http/route-server.ts';
export { createTokenFile, type TokenFile } from './http/token-file.ts';
export { placeSettings, pluginSettings, processSettings, serverSettings } from './lifecycle/process-settings.ts';
export { runApp } from './lifecycle/run-app.ts';
export { type ProcessContext, runProcess } from './lifecycle/run-process.ts';
export { createShutdown, type Shutdown } from './lifecycle/shutdown.ts';
export { spareMemory } from './lifecycle/start-memory.ts';
export { supervise } from './lifecycle/supervise.ts';
export { createLogger } from './log/logger.ts';
export { type BoundGauge, type BoundHistogram, createMetrics, type Metrics } from './metrics/metrics.ts';
export { type GuardedScaler, guardScaler, scalerLimits, showScalerFaults } from './plugin/guarded-scaler.ts';
export { identityOf, loadConfiguredScaler } from './plugin/load-configured.ts';
