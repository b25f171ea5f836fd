import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { allFiles, root } from './sources.ts';

const pages = ['ARCHITECTURE.md', ...globSync('docs/**/*.md', { cwd: root })];

interface Link {
  readonly text: string;
  readonly path: string;
}

function linksIn(page: string): Link[] {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/\[([^\]]+)\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, name = '', path = '']) => ({ text: name, path: join(dirname(page), path) }))
    .filter(({ path }) => !/^https?:/.test(path));
}

/** A function, class, type or constant that the file declares. */
function declares(file: string, name: string): boolean {
  const text = readFileSync(join(root, file), 'utf8');
  return new RegExp(`^export (async )?(abstract )?(function|class|interface|type|const) ${name}\\b`, 'm').test(text);
}

test.each(pages)('every file that %s links to is there', (page) => {
  expect(linksIn(page).filter(({ path }) => !existsSync(join(root, path)))).toEqual([]);
});

test('every name in code style that ARCHITECTURE.md links to a source file is declared there', () => {
  const named = linksIn('ARCHITECTURE.md').flatMap(({ text, path }) => {
    const [, name] = /^`(\w+)`$/.exec(text) ?? [];
    return name !== undefined && path.endsWith('.ts') ? [{ name, path }] : [];
  });
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter(({ name, path }) => !declares(path, name))).toEqual([]);
});

test('every page about a decision is in their list, and the list names no other', () => {
  const listed = linksIn('docs/decisions/README.md').map(({ path }) => path);
  const there = globSync('docs/decisions/*.md', { cwd: root }).filter((path) => !path.endsWith('README.md'));
  expect(listed.sort()).toEqual(there.sort());
});

test('every page about a decision is named by the code that follows it, and no other is named', () => {
  const named = allFiles().flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/docs\/decisions\/([a-z-]+\.md)/g)].map(
      ([, page = '']) => page,
    ),
  );
  const there = globSync('docs/decisions/*.md', { cwd: root }).map((path) => basename(path));
  const pages = there.filter((page) => page !== 'README.md');
  expect([...new Set(named)].filter((page) => page !== 'README.md').sort()).toEqual(pages.sort());
});
