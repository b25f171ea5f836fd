import {
  type Resource,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
  type TargetPort,
} from '@scaler/scaler-types';
import { unlessAborted } from '@scaler/async';
import type { Core } from '../core.ts';
import { Gate } from '../gate/gate.ts';
import type { Lane, LaneWay } from '../gate/lane.ts';
import { Directory } from './directory.ts';

export interface ResourcesOptions {
  readonly core: Core;
  /** Makes the way for the requests of a lane. */
  readonly wayFor: (lane: Lane) => LaneWay;
  /** Milliseconds between two looks, where the scaler cannot watch its resources. */
  readonly pollMs: number;
  /** The allocated ports may have changed. Called at most once per turn of the event loop. */
  readonly onPorts: () => void;
  /** The scaler has listed all resources at least once. */
  readonly onSynced: () => void;
}

const retryMs = 1000;
const sweepEveryMs = 30_000;
const endpointsKeptMs = 300_000;

/** All resources as the scaler lists them, each with its gate. */
export class Resources {
  /** By `namespace/name`. */
  readonly gates = new Map<string, Gate>();
  readonly directory: Directory;
  readonly #options: ResourcesOptions;
  #portsScheduled = false;
  #synced = false;

  constructor(options: ResourcesOptions) {
    this.#options = options;
    const { settings, clock } = options.core;
    this.directory = new Directory(settings.clusterDomain, this.gates, clock);
  }

  gate(ref: ResourceRef): Gate | undefined {
    return this.gates.get(resourceKey(ref));
  }

  /** Keeps them true until the signal aborts; what fails is tried again, and what was known stays meanwhile. */
  async run(signal: AbortSignal): Promise<void> {
    const { core, pollMs } = this.#options;
    void this.#sweep(signal);
    while (!signal.aborted) {
      let waitMs = retryMs;
      try {
        if (core.scaler.watchResources === undefined) {
          this.#replace(await unlessAborted(core.scaler.getResources(), signal));
          waitMs = pollMs;
        } else await this.#watch(signal);
      } catch (error) {
        if (!signal.aborted) core.logger.error('resources cannot be had', { err: error });
      }
      await core.clock.sleep(waitMs, signal).catch(() => {});
    }
    if (!this.#synced) core.logger.info('stopped while the scaler was to tell its resources');
  }

  /** Ends every timer and watch of the gates. */
  close(): void {
    for (const gate of this.gates.values()) gate.close();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    // After a watch that broke off, a resource that the next one does not list is gone.
    const unlisted = new Set(this.gates.keys());
    await this.#options.core.scaler.watchResources?.((change) => this.#apply(change, unlisted), signal);
  }

  #apply(change: ResourceChange, unlisted: Set<string>): void {
    if (change.type === 'synced') {
      for (const key of unlisted) this.#remove(key);
      unlisted.clear();
      this.directory.started();
      this.#synced = true;
      this.#options.onSynced();
      return;
    }
    const key = resourceKey(change.resource);
    unlisted.delete(key);
    if (change.type === 'removed') this.#remove(key);
    else this.#set(change.resource);
  }

  #replace(resources: readonly Resource[]): void {
    const unlisted = new Set(this.gates.keys());
    for (const resource of resources) this.#apply({ type: 'set', resource }, unlisted);
    this.#apply({ type: 'synced' }, unlisted);
  }

  #set(resource: Resource): void {
    const { core, wayFor } = this.#options;
    const key = resourceKey(resource);
    const known = this.gates.get(key);
    const before = known === undefined ? [] : known.lanes;
    const targetsBefore = known?.resource.targets ?? [];
    const gate = known ?? new Gate(core, resource, wayFor);
    if (known === undefined) this.gates.set(gate.key, gate);
    else known.update(resource);
    this.directory.set(gate, before);
    if (!samePorts(targetsBefore, resource.targets)) this.#portsChanged();
  }

  #remove(key: string): void {
    const gate = this.gates.get(key);
    if (gate === undefined) return;
    this.gates.delete(key);
    this.directory.remove(gate);
    gate.remove();
    gate.close();
    this.#portsChanged();
  }

  #portsChanged(): void {
    if (this.#portsScheduled) return;
    this.#portsScheduled = true;
    setImmediate(() => {
      this.#portsScheduled = false;
      this.#options.onPorts();
    });
  }

  /** Ends endpoint watches that no request used for a while. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.core;
    while (!signal.aborted) {
      await clock.sleep(sweepEveryMs, signal).catch(() => {});
      const sinceMs = clock.monotonic() - endpointsKeptMs;
      for (const gate of this.gates.values()) for (const lane of gate.lanes) lane.sweep(sinceMs);
    }
  }
}

// Phases change often, ports seldom, and there are tens of thousands of them to go through.
function samePorts(before: readonly TargetPort[], now: readonly TargetPort[]): boolean {
  if (before.length !== now.length) return false;
  return before.every(({ listenPort, led }, i) => listenPort === now[i]?.listenPort && led?.port === now[i]?.led?.port);
}
