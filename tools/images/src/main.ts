/**
 * Builds the images of both apps: npm run images -- [--tag TAG] [--prefix NAME] [--builder docker|podman|buildah]
 *
 *   --base IMAGE | docker-archive:FILE   Node.js; default: what the Dockerfiles say
 *   --installer IMAGE                    the same with npm; default: the base, with this machine's npm where it comes from an archive
 *   --npmrc FILE, --ca FILE              the registry's settings, the authorities of a proxy
 *   --save FOLDER                        writes an archive of each
 *   --stage-only                         leaves in dist/images what the Dockerfiles copy, for another builder
 */
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Builder, findBuilder } from './builder.ts';
import { apps, root, stage } from './stage.ts';

const limitMb = 220;

const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: 'dev' },
    prefix: { type: 'string', default: 'localhost/scaler-' },
    builder: { type: 'string' },
    base: { type: 'string' },
    installer: { type: 'string' },
    npmrc: { type: 'string' },
    ca: { type: 'string' },
    save: { type: 'string' },
    'stage-only': { type: 'boolean', default: false },
  },
});

await stage();
if (!values['stage-only']) await buildAll(await findBuilder(values.builder));

async function buildAll(builder: Builder): Promise<void> {
  const args = await bases(builder);
  const secrets = Object.fromEntries(
    (['npmrc', 'ca'] as const).flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]] as const])),
  );
  for (const app of apps) {
    const tag = `${values.prefix}${app}:${values.tag}`;
    const begin = Date.now();
    await builder.build({ dockerfile: join(root, 'packages', app, 'Dockerfile'), context: root, tag, args, secrets });
    const mb = (await builder.size(tag)) / 1e6;
    say(`${tag}: ${mb.toFixed(0)} MB, ${((Date.now() - begin) / 1000).toFixed(0)} s with ${builder.name}`);
    if (mb > limitMb) throw new Error(`${tag} is larger than ${limitMb} MB`);
    if (values.save === undefined) continue;
    const file = join(values.save, `scaler-${app}.tar`);
    await builder.save(tag, file);
    say(file);
  }
}

async function bases({ load, extend }: Builder): Promise<Record<string, string>> {
  const { base, installer } = values;
  if (base === undefined) return installer === undefined ? {} : { INSTALLER: installer };
  const archive = /^docker-archive:(.+)$/.exec(base)?.[1];
  if (archive === undefined) return { BASE: base, INSTALLER: installer ?? base };
  const loaded = await load(archive);
  return { BASE: loaded, INSTALLER: installer ?? (await withNpm(extend, loaded)) };
}

function withNpm(extend: Builder['extend'], base: string): Promise<string> {
  const program = process.env['npm_execpath'];
  if (program === undefined) throw new Error('start this by npm run images, or give --installer');
  const source = dirname(dirname(program));
  const target = '/usr/local/lib/node_modules/npm';
  return extend(base, { source, target, links: { npm: `${target}/bin/npm-cli.js`, npx: `${target}/bin/npx-cli.js` } });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
