import fc from 'fast-check';
import { afterAll, describe, expect, test } from '@jest/globals';
import { costProblems, startStepCounter } from '@scaler/testing-kit';

// What is imported from here on is counted block by block.
const counter = startStepCounter();
afterAll(() => counter.stop());
const { parseOptions } = await import('./config/options.ts');
const { createSettingsReader, readSettings, settingTable } = await import('./config/settings.ts');
const { trimNamespace } = await import('./cache/namespaces.ts');
const { trimIngress } = await import('./hosts/ingress.ts');
const { hostedRoute, trimHttpRoute } = await import('./hosts/http-route.ts');
const { resourceOf } = await import('./status/resource.ts');
const { notDivertibleReason } = await import('./machine/divertible.ts');
const { portsWithoutEffect, settingsWithoutEffect } = await import('./events/settings-reporter.ts');
const { fingerprint, sliceFacts } = await import('./routing/routing.ts');
const { addIndexes } = await import('./cache/stores.ts');
const { Lookup } = await import('./cache/lookup.ts');
const { notDivertibleReasonOf } = await import('./observe/observe.ts');
const { trimPod } = await import('./endpoints/pod-info.ts');
const { targetPortOf } = await import('./endpoints/candidate.ts');
const { trimService } = await import('./routing/service-info.ts');
const { trimSlice } = await import('./routing/slices.ts');
const { divertedPorts, isLabelled, portLabel } = await import('./ports/port-label.ts');
const { allocatePorts } = await import('./ports/allocate-ports.ts');
const { trimDeployment, workloadKinds } = await import('./testing/kinds.ts');
const { keys } = await import('./workload/keys.ts');

const options = parseOptions({});
const kilobytes = 1_024;
/** An object of Kubernetes has at most so much in all of its annotations. */
const mostText = 256 * kilobytes;

/** Twice a text takes at most 2.5 times the steps, and the longest there may be no more than 8 for each character. */
function textProblems(read: (text: string) => unknown, textOf: (size: number) => string): readonly string[] {
  const of = (size: number): (() => unknown) => {
    const text = textOf(size);
    return () => read(text);
  };
  const sizes = [kilobytes, 8 * kilobytes];
  return costProblems(counter, { of, sizes, largest: { size: mostText, steps: 8 * mostText } });
}

/** So many times a unit as it has room for, between a beginning and an end. */
const repeated =
  (begin: string, unit: string, end: string) =>
  (size: number): string =>
    begin + unit.repeat(Math.max(1, Math.floor((size - begin.length - end.length) / unit.length))) + end;
/** Items that differ. */
const numbered =
  (begin: string, item: (i: number) => string, end: string) =>
  (size: number): string => {
    const count = Math.max(1, Math.floor(size / (item(10_000).length + 1)));
    return begin + Array.from({ length: count }, (_, i) => item(i)).join(',') + end;
  };

const shapes: readonly (readonly [string, (size: number) => string])[] = [
  ['digits', repeated('', '9', '')],
  ['digits of a metric', repeated('requests_per_5m<=', '9', '')],
  ['digits of a fraction', repeated('requests_per_5m<=0.', '0', '1')],
  ['digits of a duration', repeated('', '9', 'h')],
  ['a name without end', repeated('', 'a', '_per_5m<=0')],
  ['a name of names', repeated('', '_per_1', '<=x')],
  ['spaces', repeated('a', ' ', 'b')],
  ['commas', repeated('a', ',', 'b')],
  ['dots', repeated('a', '.a', '.')],
  ['hyphens', repeated('a', '-', '!')],
  ['brackets', repeated('', '[', '')],
  ['nested lists', (size) => '['.repeat(size / 2) + ']'.repeat(size / 2)],
  ['nested objects', repeated('[', '{"a":', '1')],
  ['backslashes', repeated('["', '\\\\', '"]')],
  ['ports', numbered('', (i) => `${i + 1}`, '')],
  ['named ports', numbered('', (i) => `p${i} = server`, '')],
  ['hosts', numbered('', (i) => `h${i}.example.com`, '')],
  ['Services', numbered('', (i) => `s${i}`, '')],
  ['metrics', numbered('', (i) => `m${i}_per_5m<=1e3`, '')],
  ['metrics in JSON', numbered('[', (i) => `{"metric_name":"m${i}","window_size":"5m"}`, ']')],
  ['rules', numbered('[', (i) => `{"path":"/${i}","headers":{"x-${i}":"a"}}`, ']')],
  ['a rule of many headers', numbered('[{"headers":{', (i) => `"x-${i}":"a"`, '}}]')],
  ['a time', repeated('2026-12-01T08:00:00.', '0', 'Z')],
  ['a path', repeated('web:80/', 'a/', '')],
];

describe('annotations', () => {
  test.each(Object.keys(settingTable))('scaler/%s takes no more than its length', (name) => {
    const read = (text: string): unknown => readSettings({ [`scaler/${name}`]: text }, options);
    const of = (size: number): (() => unknown) => {
      const texts = shapes.map(([, textOf]) => textOf(size));
      return () => texts.forEach(read);
    };
    // All at once, since each look at the profiler takes its time; which one it is matters only if one is wrong.
    const largest = { size: mostText, steps: 8 * mostText * shapes.length };
    if (costProblems(counter, { of, sizes: [kilobytes, 8 * kilobytes], largest }).length === 0) return;
    const problems = shapes.flatMap(([shape, textOf]) =>
      textProblems(read, textOf).map((problem) => `${shape}: ${problem}`),
    );
    expect(problems).toEqual([]);
  });

  test('whatever they say', () => {
    const unit = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(...'a1_.,-:=<>[]{}"\\ /*hms') });
    const name = fc.constantFrom(...Object.keys(settingTable));
    fc.assert(
      fc.property(name, unit, unit, unit, (setting, begin, middle, end) => {
        const textOf = repeated(begin, middle, end);
        const read = (text: string): unknown => readSettings({ [`scaler/${setting}`]: text }, options);
        const of = (size: number): (() => unknown) => {
          const text = textOf(size);
          return () => read(text);
        };
        const largest = { size: mostText, steps: 8 * mostText };
        expect(costProblems(counter, { of, sizes: [2 * kilobytes], largest })).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  const unknown = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`scaler/x${i}`, 'y']));

  test('of a workload, of a namespace, and what of them is remembered, however many they are', () => {
    const reader = createSettingsReader(options, false);
    const problems = [
      (of: Record<string, string>) => readSettings(of, options),
      (of: Record<string, string>) => trimNamespace({ metadata: { name: 'n', annotations: of } }, options),
      (of: Record<string, string>) => reader('n', { ...of }),
    ].flatMap((read) => {
      const of = (size: number): (() => unknown) => {
        const annotations = unknown(size);
        return () => read(annotations);
      };
      return costProblems(counter, { of, sizes: [1_000, 4_000], largest: { size: 10_000, steps: 500_000 } });
    });
    expect(problems).toEqual([]);
  });
});

/** Everything that is done about a Service of so many ports, at each look. */
function portWork(size: number): () => unknown {
  const ports = Array.from({ length: size }, (_, i) => ({ name: `p${i}`, port: i + 1, targetPort: `t${i}` }));
  const service = trimService({
    metadata: { namespace: 'n', name: 'web', uid: 's' },
    spec: { selector: { app: 'web' }, ports },
  });
  const labels = Object.fromEntries(ports.map(({ port }) => [portLabel('web', port), `${20_000 + port}`]));
  const annotations = {
    'scaler/tcp-ports': ports
      .slice(0, 999)
      .map(({ name }) => `${name}=server`)
      .join(),
    'scaler/quiet': JSON.stringify(ports.slice(0, 64).map(({ port }) => ({ port }))),
  };
  const workload = trimDeployment({
    metadata: { namespace: 'n', name: 'web', uid: 'w', labels: { 'scaler/enabled': 'true', ...labels }, annotations },
    spec: { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } } } },
  } as never);
  const { settings, problems } = createSettingsReader(options, false)('n', workload.annotations);
  const managed = { kind: workloadKinds.deployment, workload, settings, problems };
  const rules = ports.map(({ port, name }, i) => ({
    http: {
      paths: [{ path: `/${i}`, backend: { service: { name: 'web', port: i % 2 ? { number: port } : { name } } } }],
    },
  }));
  const ingress = trimIngress({ metadata: { namespace: 'n', name: 'i' }, spec: { rules } } as never);
  const facts = { managed, services: [service], ingresses: [ingress], httpRoutes: [], mode: 'selector' as const };
  const slice = trimSlice({
    metadata: {
      namespace: 'n',
      name: 'web-scaler-ipv4',
      labels: {
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'scaler',
        [keys.resource]: 'web',
      },
    },
    addressType: 'IPv4',
    ports: ports.map(({ name, port }) => ({ name, port: 20_000 + port, protocol: 'TCP' })),
    endpoints: [{ addresses: ['10.0.0.1'] }],
  } as never);
  const snapshot = { name: 'web', service, leads: true, ours: true, slices: [slice] };
  return () => {
    allocatePorts([{ workload, services: [service] }], [slice], options.portRange);
    allocatePorts([{ workload: { ...workload, portLabels: [] }, services: [service] }], [], {
      from: 20_000,
      to: 21_000,
    });
    const diverted = divertedPorts(service, workload, options.portRange);
    isLabelled(service, workload, options.portRange);
    sliceFacts(snapshot, diverted, { listed: ['10.0.0.1'], draining: [] });
    fingerprint(snapshot);
    resourceOf({ ...facts, blocked: undefined, divertedForMs: 0, updatedMs: undefined }, options);
    notDivertibleReason({
      workload,
      settings,
      services: [service],
      ingresses: [],
      targetGroups: [],
      pods: [],
      replicaSets: [],
      others: [],
    });
    portsWithoutEffect(managed, [service]);
    settingsWithoutEffect(managed, 'selector');
  };
}

test('a Service of many ports takes no more at each look than it has ports', () => {
  const cost = { of: portWork, sizes: [500, 1_000, 2_000], largest: { size: 10_000, steps: 10_000_000 } };
  expect(costProblems(counter, cost)).toEqual([]);
});

test('routes take no more than there are of them', () => {
  const of = (size: number): (() => unknown) => {
    const paths = Array.from({ length: size }, (_, i) => ({
      path: `/a/b/${i}`,
      backend: { service: { name: 'web' } },
    }));
    const matches = Array.from({ length: size }, (_, i) => ({ path: { value: `/a/b/${i}` }, method: 'GET' }));
    const backendRefs = [{ name: 'web', port: 80 }];
    return () => {
      trimIngress({ metadata: {}, spec: { rules: [{ host: 'a.io', http: { paths } }] } } as never);
      const route = trimHttpRoute({
        metadata: {},
        spec: { rules: [{ matches, backendRefs }], hostnames: ['a.io'] },
      } as never);
      hostedRoute({ ...route, parents: [{ gateway: 'n/g', listener: undefined, port: undefined }] }, () => undefined);
    };
  };
  expect(costProblems(counter, { of, sizes: [256, 512, 1_024], largest: { size: 4_096, steps: 1_500_000 } })).toEqual(
    [],
  );
});

test('pods take no more than they have containers, ports, probes and labels', () => {
  const of = (size: number): (() => unknown) => {
    const numbers = Array.from({ length: size }, (_, i) => i);
    const ports = numbers.map((i) => ({ name: `p${i}`, containerPort: i + 1 }));
    const containers = [
      { name: 'a', ports },
      ...numbers.map((i) => ({ name: `c${i}`, readinessProbe: { tcpSocket: { port: i } } })),
    ];
    const labels = Object.fromEntries(numbers.map((i) => [`l${i}`, 'x']));
    const pod = { metadata: { namespace: 'n', name: 'p', uid: `u${size}`, labels }, spec: { containers } } as never;
    return () => {
      const { shape } = trimPod(pod);
      for (let i = 0; i < size; i += 10) targetPortOf({ targetPort: `p${i}`, protocol: 'TCP' } as never, shape);
    };
  };
  expect(costProblems(counter, { of, sizes: [250, 500, 1_000], largest: { size: 4_000, steps: 1_000_000 } })).toEqual(
    [],
  );
});

/** A store of objects that are there from the beginning. */
function storeOf<U extends { readonly namespace: string; readonly name: string }>(objects: readonly U[]) {
  const byName = new Map(objects.map((one) => [`${one.namespace}/${one.name}`, one]));
  const indexes = new Map<string, Map<string, U[]>>();
  return {
    size: objects.length,
    list: () => objects,
    get: (namespace: string, name: string) => byName.get(`${namespace}/${name}`),
    byIndex: (name: string, key: string) => indexes.get(name)?.get(key) ?? [],
    addIndex: (name: string, keysOf: (object: U) => readonly string[]) => {
      const index = new Map<string, U[]>();
      for (const one of objects) for (const key of keysOf(one)) index.set(key, [...(index.get(key) ?? []), one]);
      indexes.set(name, index);
    },
  };
}

test('as many Services as workloads of the same labels: one look takes no more than there are of both', () => {
  const of = (size: number): (() => unknown) => {
    const names = Array.from({ length: size }, (_, i) => `w${i}`);
    const labels = { app: 'web' };
    const selector = { app: 'web', 'scaler/asleep': 'e' };
    const workloads = names.map((name) =>
      trimDeployment({
        metadata: { namespace: 'n', name, uid: name, labels: { 'scaler/enabled': 'true' } },
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } },
      } as never),
    );
    const services = names.map((name) =>
      trimService({
        metadata: { namespace: 'n', name, uid: name },
        spec: { selector, ports: [{ port: 80 }] },
      } as never),
    );
    const none = storeOf<never>([]);
    const stores = {
      workloads: [{ kind: workloadKinds.deployment, store: storeOf(workloads) }],
      services: storeOf(services),
      ...{ ingresses: none, httpRoutes: none, gateways: none, pods: none, replicaSets: none, slices: none },
      ...{ ingressClasses: none, gatewayClasses: none, targetGroups: [] },
    } as never;
    addIndexes(stores, 'autoscaler');
    const lookup = new Lookup({ stores, options, namespaces: { get: () => undefined }, dryRun: false });
    return () => {
      const managed = lookup.managed({ namespace: 'n', name: 'w0' }) as never;
      const leading = lookup.servicesOf(managed);
      lookup.straysOf({ namespace: 'n', name: 'w0' }, leading);
      notDivertibleReasonOf({ stores, lookup, dlx: undefined } as never, managed, leading);
      lookup.resourcesOf(services[0] as never);
      lookup.refs();
    };
  };
  expect(costProblems(counter, { of, sizes: [250, 500, 1_000], largest: { size: 4_000, steps: 2_000_000 } })).toEqual(
    [],
  );
});
