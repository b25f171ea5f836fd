export {
  applyProposal,
  type Config,
  type ConfigSource,
  loadConfig,
  type LoadConfigOptions,
  logConfig,
} from './config/config.ts';
export { helpText, type HelpOptions } from './config/help.ts';
export { optionsSchema, optionsTable } from './config/options-table.ts';
export { type Parsed, type Parser, type ValueSchema } from './config/parser.ts';
export { type HostPort, type NamespacedName, parsers } from './config/parsers.ts';
export { type Setting, setting, type SettingOptions } from './config/setting.ts';
export { type ConfigTable, type ConfigValues, defineConfig, envName, flagName } from './config/table.ts';
export { configError, RuntimeError, type RuntimeErrorCode, runtimeErrors } from './errors.ts';
export { readSmallFile, readSmallFileSync } from './files.ts';
export { type AdminApp, type AdminServer, type AdminServerOptions, startAdminServer } from './http/admin-server.ts';
export { type AdminAuth } from './http/bearer.ts';
export { type Check, type Checks, createChecks } from './http/checks.ts';
export { type ControlServerOptions, movedRoutes, startControlServer } from './http/control-server.ts';
export {
  type InfraReply,
  type InfraRequest,
  type InfraRoute,
  type InfraServer,
  type InfraServerOptions,
  startInfraServer,
} from './http/infra-server.ts';
export { type ListenAddress } from './http/listen.ts';
export { type PeerRate, PeerRates } from './http/peer-rates.ts';
export { type Problem, problem, problemContentType } from './http/problem.ts';
export { createTokenFile, type TokenFile, type TokenFileOptions } from './http/token-file.ts';
export { placeSettings, pluginSettings, processSettings, serverSettings } from './lifecycle/process-settings.ts';
export { runApp, type RunAppOptions } from './lifecycle/run-app.ts';
export { type ProcessContext, type ProcessSeam, runProcess, type RunProcessOptions } from './lifecycle/run-process.ts';
export { createShutdown, type Shutdown, type ShutdownOptions, type ShutdownWork } from './lifecycle/shutdown.ts';
export { spareMemory, type SpareMemoryOptions } from './lifecycle/start-memory.ts';
export { type Part, supervise, type SuperviseOptions } from './lifecycle/supervise.ts';
export { fastifyLogger } from './log/fastify-logger.ts';
export { type LogFormat } from './log/line.ts';
export { createLogger, type LoggerOptions, type LogLevel, logLevels } from './log/logger.ts';
export {
  type BoundCounter,
  type BoundGauge,
  type BoundHistogram,
  type Counter,
  createMetrics,
  type CreateMetricsOptions,
  type Gauge,
  type GaugeOptions,
  type Histogram,
  type HistogramOptions,
  type MetricOptions,
  type Metrics,
} from './metrics/metrics.ts';
export { type Labels } from './metrics/series.ts';
export {
  type GuardedScaler,
  type GuardOptions,
  guardScaler,
  scalerLimits,
  showScalerFaults,
} from './plugin/guarded-scaler.ts';
export {
  type Ability,
  type LoadedResourceScaler,
  loadResourceScaler,
  type LoadResourceScalerOptions,
} from './plugin/load.ts';
export {
  type ConfiguredScaler,
  identityOf,
  loadConfiguredScaler,
  type LoadConfiguredOptions,
} from './plugin/load-configured.ts';
