import { globSync } from 'node:fs';
import { commandLine, must, text } from '@scaler/command';
import { releaseChangelog, releaseVersion } from 'nx/release/index.js';
import { versionChart } from './chart-version.ts';
import { publicPackages, root } from './packages.ts';

const { values } = commandLine({
  name: 'npm run release',
  doc: 'Versions the packages by their version plans and the chart with them, writes the changelogs, commits and tags.',
  options: { push: text({ doc: 'pushes the commit and its tags to this branch of origin', value: 'BRANCH' }) },
  variables: { GITHUB_REPOSITORY: 'OWNER/NAME of where it runs, which the packages must name' },
  examples: { '': 'to look at it', '--push main': 'in the release workflow; publishing comes after it' },
});

await checkRepository(process.env['GITHUB_REPOSITORY']);
// The folder goes with the last plan.
if (globSync('.nx/version-plans/*.md', { cwd: root }).length === 0)
  throw new Error('.nx/version-plans has no plan, so there is nothing to release: npx nx release plan');

const { projectsVersionData, releaseGraph } = await releaseVersion({ gitCommit: false, gitTag: false });
const steps = Object.values(projectsVersionData).map(({ currentVersion, newVersion }) => ({
  from: currentVersion,
  to: newVersion ?? currentVersion,
}));
const version = await versionChart(steps);
await must('git', ['add', 'charts'], { cwd: root });
await releaseChangelog({
  versionData: projectsVersionData,
  releaseGraph,
  gitCommitMessage: `release: chart and images ${version}`,
  gitCommit: true,
  gitTag: true,
  // All at once, and to the branch that was asked for: the workflow's checkout is on none.
  gitPush: false,
});
if (values.push !== undefined)
  await must('git', ['push', '--atomic', '--follow-tags', 'origin', `HEAD:refs/heads/${values.push}`], { cwd: root });

/** npm takes a provenance only of the repository that the package names. */
async function checkRepository(here: string | undefined): Promise<void> {
  if (here === undefined) return;
  for (const { name, repository } of await publicPackages()) {
    if (repository?.url !== `git+https://github.com/${here}.git`)
      throw new Error(
        `package.json of ${name} names the repository ${repository?.url}, and this is github.com/${here}`,
      );
  }
}
