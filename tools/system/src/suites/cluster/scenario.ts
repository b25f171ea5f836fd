import type { KubeClient } from '@scaler/kube';
import type { Case } from '../../harness/suite.ts';
import type { Client } from './site/client.ts';
import type { Images } from './site/images.ts';
import type { Values } from './site/install.ts';
import type { Kit } from './site/kit.ts';

/** One thing that is shown on a real Kubernetes: `npm run e2e -- --all NAME`. */
export interface Scenario extends Case<Ground> {
  /** How many nodes it needs at least; default 1. With fewer it is skipped. */
  readonly nodes?: number;
  /** It freezes or restarts Kubernetes' own programs: without a kit it is skipped. */
  readonly needsKit?: boolean;
  /** A controller of others that the kit has to install: where none does, it is skipped. */
  readonly addon?: string;
}

/** The ground of a scenario. */
export interface Ground {
  /** Aborts when the scenario's time is over. */
  readonly signal: AbortSignal;
  /** As administrator. */
  readonly kube: KubeClient;
  /** The nodes' names. */
  readonly nodes: readonly string[];
  readonly images: Images;
  /** Freeze, restart and cut; undefined on a cluster that has no kit. */
  readonly kit: Kit | undefined;
  log(line: string): void;
  /** @throws with what it said when it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** `kubectl apply` of these objects. */
  apply(objects: readonly object[]): Promise<void>;
  /** A fresh namespace, which is deleted when the scenario has ended. */
  namespace(name?: string): Promise<string>;
  /**
   * The product, installed by the chart with these values over the scenarios' own (install.ts), and ready. Nothing is
   * done where it is installed so already. `force`: a rollout of the pods in any case.
   */
  product(values?: Values): Promise<void>;
  /** `helm uninstall`; the next {@link product} installs it anew. */
  uninstall(): Promise<void>;
  /** A pod that asks, and one that says what scale metrics are; both are made when they are first wanted. */
  client(): Promise<Client>;
  /** A part of the scenario is skipped, and why; the run lists it at its end. */
  leaveOut(what: string): void;
  /** Requests that were sent, and those that were lost, for the table; adds up. */
  count(sent: number, lost: number): void;
  /** Runs when the scenario has ended, however it did; the last first. */
  later(undo: () => Promise<unknown>): void;
}
