import { dirname, join } from 'node:path';
import { choice, commandLine, flag, text } from '@scaler/command';
import { type Builder, builderNames, findBuilder } from './builder.ts';
import { installLine } from './install-line.ts';
import { apps, root, stage } from './stage.ts';

const limitMb = 220;

const { values } = commandLine({
  name: 'npm run images',
  doc: 'Builds the images of both apps by docker, podman or buildah, and prints the command that installs them.',
  options: {
    tag: text({ doc: 'the tag of both', value: 'TAG', fallback: 'dev' }),
    prefix: text({ doc: 'the prefix of both names', value: 'NAME', fallback: 'localhost/scaler-' }),
    builder: choice({ doc: 'the program that builds; default: the first that works', of: builderNames }),
    base: text({
      doc: 'an image of Node.js, or docker-archive:FILE; default: that of the Dockerfiles',
      value: 'IMAGE',
    }),
    installer: text({
      doc: "the same with npm; default: the base, with this machine's npm if an archive",
      value: 'IMAGE',
    }),
    npmrc: text({ doc: 'settings of the registry', value: 'FILE' }),
    ca: text({ doc: 'the authorities of a proxy', value: 'FILE' }),
    save: text({ doc: 'writes an archive of each', value: 'FOLDER' }),
    'stage-only': flag('leaves in dist/images what the Dockerfiles copy, for another builder'),
  },
  examples: {
    '': 'localhost/scaler-dlx:dev and localhost/scaler-autoscaler:dev',
    '--tag 1 --save dist': 'and archives',
  },
});

await stage();
if (!values['stage-only']) await buildAll(await findBuilder(values.builder));

async function buildAll(builder: Builder): Promise<void> {
  const args = await bases(builder);
  const secrets = { npmrc: values.npmrc, ca: values.ca };
  for (const app of apps) {
    const tag = `${values.prefix}${app}:${values.tag}`;
    const begin = Date.now();
    await builder.build({ dockerfile: join(root, 'packages', app, 'Dockerfile'), context: root, tag, args, secrets });
    const mb = (await builder.size(tag)) / 1e6;
    console.log(`${tag}: ${mb.toFixed(0)} MB, ${((Date.now() - begin) / 1000).toFixed(0)} s with ${builder.name}`);
    if (mb > limitMb) throw new Error(`${tag} is larger than ${limitMb} MB`);
    if (values.save === undefined) continue;
    const file = join(values.save, `scaler-${app}.tar`);
    await builder.save(tag, file);
    console.log(file);
  }
  console.log(`\nThe nodes of the cluster must have both images: push them to a registry, or load them, such as`);
  console.log(`  kind load docker-image ${apps.map((app) => `${values.prefix}${app}:${values.tag}`).join(' ')}`);
  console.log('Then install the chart with them, in the folder of the repository:');
  console.log(`  ${installLine(values)}`);
}

async function bases(builder: Builder): Promise<Record<string, string>> {
  const { base, installer } = values;
  if (base === undefined) return installer === undefined ? {} : { INSTALLER: installer };
  const archive = /^docker-archive:(.+)$/.exec(base)?.[1];
  if (archive === undefined) return { BASE: base, INSTALLER: installer ?? base };
  const loaded = await builder.load(archive);
  if (installer !== undefined) return { BASE: loaded, INSTALLER: installer };
  const program = process.env['npm_execpath'];
  if (program === undefined) throw new Error('npm is not known: start this by npm run images, or give --installer');
  return { BASE: loaded, INSTALLER: await builder.withNpm(loaded, dirname(dirname(program))) };
}
