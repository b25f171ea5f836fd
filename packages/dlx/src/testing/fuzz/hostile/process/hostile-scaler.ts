// The resource scaler of the hostile fuzzer, loaded by the DLX under test. Its resources are in memory: those of each slot,
// which wake as their names say and fall asleep again by themselves, and a neighbour in a namespace of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Endpoint,
  type EndpointListener,
  type Resource,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  type ScaleOptions,
  type ScalerContext,
  type ScaleResult,
  type Target,
} from '@scaler/scaler-types';
import { entries, type Waking, wakings } from '../conversation.ts';

export { contractVersion } from '@scaler/scaler-types';

/** What the fuzzer tells it, as JSON in its option `plan`. */
export interface Plan {
  /** The endpoint of each slot. */
  readonly endpointPorts: readonly number[];
  /** The other, where it keeps to the protocol. */
  readonly calmPorts: readonly number[];
  readonly neighbourPort: number;
  /** Of the listen ports, which follow one another. */
  readonly firstPort: number;
}

export const namespace = 'hostile';
export const neighbour: ResourceRef = { namespace: 'quiet', name: 'neighbour' };

/** So many listen ports has a slot. */
export const portsPerSlot = wakings.length * entries.length;
const wakeMs: Partial<Record<Waking, number>> = { fast: 10, slow: 120, drowsy: 50 };
/** Those that are to answer stay awake long enough for a busy machine. */
const awakeMs: Partial<Record<Waking, number>> = { fast: 400, slow: 400, drowsy: 10_000 };
/** Short, so that what stalls is soon over. */
const short = { holdTimeoutMs: 400, connectTimeoutMs: 300, responseTimeoutMs: 300, idleTimeoutMs: 300 };
const long = { holdTimeoutMs: 60_000, connectTimeoutMs: 15_000, responseTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

class HostileScaler implements ResourceScaler {
  readonly #known = new Map<string, Resource>();
  readonly #awake = new Set<string>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #watchers = new Map<string, Set<EndpointListener>>();
  #tell: ((change: ResourceChange) => void) | undefined;

  constructor({ endpointPorts, calmPorts, neighbourPort, firstPort }: Plan) {
    endpointPorts.forEach((port, slot) => {
      wakings.forEach((waking, i) => {
        const name = `${waking}-${slot}`;
        const calm = waking === 'calm' || waking === 'drowsy';
        this.#add(calm ? (calmPorts[slot] ?? port) : port, {
          ...{ namespace, name, scaleResources: [] },
          phase: waking === 'awake' || waking === 'calm' ? 'awake' : 'asleep',
          ...(calm ? long : short),
          targets: entries.map((entry, j) => ({
            ...{ service: name, port: 80 + j, ...declared[entry] },
            listenPort: firstPort + slot * portsPerSlot + i * entries.length + j,
          })),
        });
      });
    });
    const targets = [{ service: neighbour.name, port: 80 }];
    this.#add(neighbourPort, { ...neighbour, scaleResources: [], phase: 'awake', targets, ...long });
  }

  getConfig(): Record<string, never> {
    return {};
  }

  async getResources(): Promise<Resource[]> {
    return [...this.#known.values()];
  }

  async setScale(resources: readonly ResourceRef[], _scale: number, options: ScaleOptions): Promise<ScaleResult[]> {
    return Promise.all(resources.map((resource) => this.#wake(resource, options.signal)));
  }

  resolveServiceName({ name }: ResourceRef): string {
    return `127.0.0.1:${this.#endpoints.get(name)?.port}`;
  }

  watchResources(listener: (change: ResourceChange) => void, signal: AbortSignal): Promise<void> {
    this.#tell = listener;
    for (const resource of this.#known.values()) listener({ type: 'set', resource });
    listener({ type: 'synced' });
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  watchEndpoints({ service }: Target, listener: EndpointListener, signal: AbortSignal): void {
    const listeners = this.#watchers.get(service) ?? new Set();
    this.#watchers.set(service, listeners.add(listener));
    signal.addEventListener('abort', () => listeners.delete(listener));
    listener(this.#listOf(service));
  }

  async #wake(resource: ResourceRef, signal: AbortSignal): Promise<ScaleResult> {
    const waking = resource.name.split('-')[0] as Waking;
    if (waking === 'never') await sleep(60_000, undefined, { signal, ref: false });
    if (waking === 'failing') return { resource, ok: false, error: new Error('it does not start') };
    await sleep(wakeMs[waking] ?? 0, undefined, { signal });
    if (wakeMs[waking] !== undefined) {
      this.#phase(resource, 'awake');
      setTimeout(() => this.#phase(resource, 'asleep'), awakeMs[waking]).unref();
    }
    return { resource, ok: true };
  }

  #add(port: number, resource: Resource): void {
    this.#known.set(resourceKey(resource), resource);
    if (resource.phase === 'awake') this.#awake.add(resource.name);
    this.#endpoints.set(resource.name, { address: '127.0.0.1', port, id: resource.name });
  }

  #phase(ref: ResourceRef, phase: 'awake' | 'asleep'): void {
    const known = this.#known.get(resourceKey(ref));
    if (known === undefined) return;
    const resource = { ...known, phase };
    this.#known.set(resourceKey(ref), resource);
    if (phase === 'awake') this.#awake.add(ref.name);
    else this.#awake.delete(ref.name);
    this.#tell?.({ type: 'set', resource });
    for (const listener of this.#watchers.get(ref.name) ?? []) listener(this.#listOf(ref.name));
  }

  #listOf(service: string): Endpoint[] {
    const endpoint = this.#endpoints.get(service);
    return endpoint !== undefined && this.#awake.has(service) ? [endpoint] : [];
  }
}

const declared = {
  sniffed: {},
  'tcp-client': { protocol: 'tcp', speaksFirst: 'client' },
  'tcp-server': { protocol: 'tcp', speaksFirst: 'server' },
  tcp: { protocol: 'tcp', proxyProtocol: 'v2' },
} as const;

export function createResourceScaler({ options }: ScalerContext): ResourceScaler {
  return new HostileScaler(JSON.parse(options.plan ?? '') as Plan);
}
