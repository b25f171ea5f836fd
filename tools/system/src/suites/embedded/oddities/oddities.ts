import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markdownTable } from '@scaler/command';
import type { Finding } from '../../../harness/report.ts';
import { answers, requests } from './rows.ts';
import { openStage, type Told } from './stage.ts';
import { streamRows } from './streams.ts';

const page = join(import.meta.dirname, '../../../../../../docs/oddities.md');

/** Each legal oddity: without anything in between, through the DLX warm and cold, and through Debian's nginx. */
export async function oddities(): Promise<readonly Finding[]> {
  await using stage = await openStage(requests.length + answers.length + streamRows.length);
  const asked = await tryAll(requests, stage.try);
  const answered = await tryAll(answers, stage.try);
  const streams = await tryAll(streamRows, stage.tryStream);
  await writeFile(page, pageOf(asked, answered, streams));
  return [...asked, ...answered, ...streams].map(({ row, told, wanted }) => ({
    what: row.what,
    wanted,
    got: told.warm === told.cold ? told.warm : `warm ${told.warm}, cold ${told.cold}`,
    good: [told.warm, told.cold].every((one) => one.startsWith(wanted)),
  }));
}

/** What the page tells of a row. */
interface Oddity {
  readonly what: string;
  readonly wanted?: string;
  readonly why?: string;
}

interface Tried {
  readonly row: Oddity;
  readonly told: Told;
  readonly wanted: string;
}

async function tryAll<R extends Oddity>(rows: readonly R[], trial: (row: R) => Promise<Told>): Promise<Tried[]> {
  const tried: Tried[] = [];
  for (const row of rows) {
    const told = await trial(row);
    tried.push({ row, told, wanted: row.wanted ?? told.direct });
  }
  return tried;
}

function pageOf(asked: readonly Tried[], answered: readonly Tried[], streams: readonly Tried[]): string {
  const table = (tried: readonly Tried[]): string =>
    markdownTable([
      ['', 'direct', 'DLX, warm', 'DLX, cold', 'nginx', 'why'],
      ...tried.map(({ row, told: { direct, warm, cold, nginx } }) => [
        row.what,
        ...[direct, warm, cold, nginx].map(cell),
        row.why ?? '',
      ]),
    ]);
  return `# Legal oddities

Forms of requests and answers that are legal, or that are sent all the same, and what a client gets for each: from a raw endpoint, through
the DLX awake and asleep, and through Debian's nginx. \`npm run trials -- oddities\` writes this page. \`…\`: the rest of what was promised did
not come. The last column says why the DLX is stricter than nginx.

## Requests in HTTP/1

${table(asked)}

## Answers in HTTP/1

${table(answered)}

## HTTP/2

The endpoint speaks HTTP/2 as well; nginx leads to it by \`grpc_pass\`.

${table(streams)}
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
