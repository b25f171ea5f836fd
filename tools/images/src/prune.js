// In a build stage: removes types, source maps and documents, which no program reads, from a node_modules.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const unread = /(\.d\.[cm]?ts|\.[cm]?ts|\.map|\.md|\.markdown|\.flow|\.tsbuildinfo)$/i;
const kept = /^(licen[cs]e|notice|copying)/i;
const folders = new Set([
  'test',
  'tests',
  '__tests__',
  'docs',
  'doc',
  'benchmark',
  'benchmarks',
  '.github',
  'coverage',
]);
const root = process.argv[2];

for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && unread.test(entry.name) && !kept.test(entry.name)) {
    rmSync(join(entry.parentPath, entry.name));
  }
}
// In the top folder of each package only: deeper down a folder called `test` may well be code.
for (const pkg of packages(root)) {
  for (const entry of readdirSync(pkg, { withFileTypes: true })) {
    if (entry.isDirectory() && folders.has(entry.name)) rmSync(join(pkg, entry.name), { recursive: true });
  }
}

function packages(modules) {
  return readdirSync(modules, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory() || entry.name === '.bin') return [];
    const path = join(modules, entry.name);
    return entry.name.startsWith('@') ? packages(path) : [path];
  });
}
