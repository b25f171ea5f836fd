// Programs that run with the right to publish, and packages that go into an image, are named by their bytes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from './stage.ts';

const workflows = readdirSync(join(root, '.github/workflows')).map((name): [string, string] => [
  name,
  readFileSync(join(root, '.github/workflows', name), 'utf8'),
]);
/**
 * The Dockerfiles of what is published, and of the tests' own images; tools/system/debian.Dockerfile takes Debian's
 * latest packages.
 */
const dockerfiles = ['packages/dlx/Dockerfile', 'packages/autoscaler/Dockerfile', 'tools/system/Dockerfile'];

/** The text of each job, by name. */
function jobs(workflow: string): [name: string, text: string][] {
  const [, text = ''] = workflow.split(/^jobs:$/m);
  return text.split(/^(?= {2}[a-z]\w*:$)/m).flatMap((job): [string, string][] => {
    const name = /^ {2}([a-z]\w*):$/m.exec(job)?.[1];
    return name === undefined ? [] : [[name, job]];
  });
}

test.each(workflows)('%s: actions are named by commit, with the version beside it', (_, text) => {
  const used = [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, what]) => what);
  expect(used.length).toBeGreaterThan(0);
  for (const what of used) expect(what).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('one action has one commit everywhere', () => {
  const pins = new Map<string, Set<string>>();
  for (const [, text] of workflows) {
    for (const [, action = '', pin = ''] of text.matchAll(/uses: (\S+?)@(.+)$/gm)) {
      pins.set(action, (pins.get(action) ?? new Set()).add(pin));
    }
  }
  for (const [action, found] of pins) expect([action, found.size]).toEqual([action, 1]);
});

test.each(workflows)(
  '%s: each job ends in time, and reads by default; an identity is for jobs that publish or sign, a write for no job that has both',
  (name, text) => {
    expect(text).toMatch(/^permissions: \{ contents: read \}$/m);
    const all = jobs(text);
    expect(all.length).toBeGreaterThan(1);
    for (const [job, body] of all) {
      expect([job, body]).toEqual([job, expect.stringMatching(/^ {4}timeout-minutes: \d+$/m)]);
      const permissions = /^ {4}permissions: (.*)$/m.exec(body)?.[1] ?? '';
      const identity = ['publish', 'sign', 'chart'].includes(job) && name === 'release.yml';
      expect([job, permissions.includes('id-token')]).toEqual([job, identity]);
      expect(permissions.includes('id-token') && permissions.includes('contents: write')).toBe(false);
      // A checkout leaves its token in the folder, where every program of the job can read it.
      const pushes = permissions.includes('contents: write');
      if (!pushes && body.includes('actions/checkout')) expect(body).toContain('persist-credentials: false');
    }
    expect(text).not.toMatch(/pull_request_target|-latest$/m);
  },
);

test('workflows install by the lock', () => {
  for (const [, text] of workflows) expect(text).not.toMatch(/npm (install|i|add|update)\b|curl .*\| *(ba)?sh/);
});

test.each(dockerfiles)('%s: the base is named by digest, and packages by the lock', (file) => {
  const lines = readFileSync(join(root, file), 'utf8')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => !line.startsWith('#'));
  const defaults = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^ARG (\w+)=(\S+)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) defaults.set(name, value);
  }
  const resolved = (text: string): string =>
    text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => resolved(defaults.get(name) ?? ''));
  const stages: string[] = [];
  const froms = lines.filter((line) => line.startsWith('FROM '));
  expect(froms.length).toBeGreaterThan(0);
  for (const from of froms) {
    const [, image = '', stage = ''] = /^FROM (\S+)(?: AS (\w+))?$/.exec(from) ?? [];
    if (!stages.includes(image))
      expect(resolved(image)).toMatch(/^docker\.io\/library\/node:\d+\.\d+\.\d+-\w+@sha256:[0-9a-f]{64}$/);
    stages.push(stage);
  }
  const runs = lines.filter((line) => line.startsWith('RUN ')).join('\n');
  expect(runs).not.toMatch(/npm (install|i|add|update)\b|\bnpx\b|apk add|apt-get|curl|wget/);
  if (runs.includes('npm')) expect(lines.join('\n')).toMatch(/COPY .*package-lock\.json/);
});
