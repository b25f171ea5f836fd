// Whatever is read from others is read to a bound, in bytes and in time. A new place that reads has to be put here, with its bound.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');

/** Files of a program's own code, without tests and what tests use. */
function sources(): [path: string, text: string][] {
  return ['packages', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => {
      const src = join(folder, name, 'src');
      if (name === 'testing-kit') return [];
      return readdirSync(join(root, src), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.split('/').includes('testing'))
        .map((file): [string, string] => [join(src, file), readFileSync(join(root, src, file), 'utf8')]);
    }),
  );
}

function filesWith(pattern: RegExp): string[] {
  return sources()
    .filter(([, text]) => pattern.test(text))
    .map(([path]) => path)
    .sort();
}

test('files are read to a bound: by readSmallFile, or because the package writes them itself', () => {
  expect(filesWith(/\breadFile(Sync)?\(|createReadStream\(/)).toEqual([
    // The user's own, beside the program that he starts.
    'examples/process-scaler/src/declaration.ts',
    // The kernel's: what this process may do.
    'packages/dlx/src/settings.ts',
    // Kubelet's.
    'packages/kube/src/cluster/in-cluster.ts',
    // The bound itself.
    'packages/runtime/src/files.ts',
    // Of installed packages, whose code is run.
    'packages/runtime/src/plugin/resolve.ts',
  ]);
});

const dataPath = /^packages\/dlx\/src\/(endpoints|http1|http2|upgrade|tcp)\//;

test('answers are read to a bound; the data path passes them on as they come', () => {
  const asks = filesWith(/\b(http|https)?[rR]equest\(\{|\bhttps?Request\b|\bfetch\(|from '(undici|node:http2)'/);
  expect(asks.filter((file) => !dataPath.test(file))).toEqual([
    // From a process of its own, on loopback.
    'examples/process-scaler/src/owner-client.ts',
    // 16 MiB.
    'packages/autoscaler/src/collect/prometheus/connection.ts',
    // 8 MiB, 64 KiB.
    'packages/autoscaler/src/peers/peer-client.ts',
    // Passed on as it comes, 64 MiB.
    'packages/dlx/src/control/admin.ts',
    // 16 MiB, 4 MiB of a refusal.
    'packages/kube/src/client/exchange.ts',
    // 200 characters; one line.
    'packages/workload-scaler/src/act/veto.ts',
    // 4 KB.
    'packages/workload-scaler/src/dlx/ask-dlx.ts',
    // 1 KB.
    'packages/workload-scaler/src/endpoints/probe/probe-grpc.ts',
    // 10 KB, as kubelet.
    'packages/workload-scaler/src/endpoints/probe/probe-http.ts',
  ]);
});

test('bodies of requests are not taken whole', () => {
  expect(filesWith(/\.toArray\(\)|\bconsumers\b|\.arrayBuffer\(\)/)).toEqual([]);
});
