// Loaded into a program of which it shall be known what runs: each SIGUSR2 writes the files of which a function was called
// since the last one to `$LOG_FOLDER/walked-$HOSTNAME.json`, and begins anew.
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const file = `${process.env.LOG_FOLDER}/walked-${process.env.HOSTNAME}.json`;
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
process.on('SIGUSR2', async () => {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const called = result.filter(({ functions }) => functions.some(({ ranges }) => ranges[0].count > 0));
  const urls = called.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  // Whole, once it is there.
  writeFileSync(`${file}.new`, JSON.stringify(urls));
  renameSync(`${file}.new`, file);
});
