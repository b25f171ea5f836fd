import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import type { Ground } from '../scenario.ts';

/** An image of Debian's Redis and PostgreSQL, servers and clients. */
export interface DatabaseImage {
  readonly name: string;
  /** The folder of `postgres`, `initdb`, `psql` and `pg_isready`. */
  readonly postgresBin: string;
}

const postgresRoot = '/usr/lib/postgresql';

/**
 * Given by E2E_IMAGE_DATABASES (Debian with the packages `redis` and `postgresql`, this one of E2E_POSTGRES_VERSION, default 15,
 * Debian 12's); with the cluster kit it is made of what this
 * machine has of them.
 *
 * @throws naming what is missing.
 */
export async function databaseImage({ kit }: Ground): Promise<DatabaseImage> {
  const given = process.env['E2E_IMAGE_DATABASES'];
  // The version of the image, whatever this machine has.
  if (given) return { name: given, postgresBin: `${postgresRoot}/${process.env['E2E_POSTGRES_VERSION'] ?? '15'}/bin` };
  const versions = existsSync(postgresRoot) ? await readdir(postgresRoot) : [];
  const version = versions.sort((a, b) => Number(b) - Number(a))[0] ?? '15';
  const home = `${postgresRoot}/${version}`;
  if (!kit?.images)
    throw new Error('Set E2E_IMAGE_DATABASES to an image of Debian with the packages redis and postgresql.');
  const redis = ['redis-server', 'redis-cli'].map((name) => `/usr/bin/${name}`);
  const postgres = ['postgres', 'initdb', 'psql', 'pg_isready'].map((name) => `${home}/bin/${name}`);
  const missing = [...redis, ...postgres].find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`there is no ${missing} here: apt-get install redis postgresql`);
  const programs: string[] = [];
  for (const file of [...redis, ...postgres]) programs.push('-program', `${await realpath(file)}:${file}`);
  // What initdb loads; all of the folder would bring a compiler along.
  const modules = ['plpgsql.so', 'dict_snowball.so'].map((name) => `${home}/lib/${name}`);
  const files = [...modules, `/usr/share/postgresql/${version}`].map((path) => `${path}:${path}`);
  return {
    name: await kit.images.image('scaler-databases:1', '-base', 'node', ...programs, ...files),
    postgresBin: `${home}/bin`,
  };
}
