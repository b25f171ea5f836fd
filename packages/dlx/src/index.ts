export { Accounting } from './ledger/accounting.ts';
export type { Ended } from './ledger/accounting.ts';
export { adminRoutes, type AutoscalerMount } from './control/admin.ts';
export { type DlxContext, runDlx } from './app.ts';
export type { Core } from './core.ts';
export { createDlx, type Dlx, type DlxOptions } from './dlx.ts';
export { type Outcome, outcomeNames, type OutcomeRule, outcomes } from './outcome.ts';
export { peerRoutes } from './control/peer.ts';
export { dataSettings, type DlxTable, type Settings, settings } from './settings.ts';
