import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { optionsSchema } from '@scaler/runtime';
import { settings } from './app/settings.ts';

type Properties = Record<string, { properties: Properties }>;

const file = join(import.meta.dirname, '../../../charts/scaler/values.schema.json');
const chart = JSON.parse(readFileSync(file, 'utf8')) as { properties: Properties };

// What the chart leaves out it says itself; `npm run chart:check` knows which those are, and -- --write writes the schema.
test('each setting that the chart takes is as the table has it', () => {
  const taken = chart.properties['autoscaler']?.properties['settings']?.properties ?? {};
  const table = optionsSchema(settings)['properties'] as Record<string, unknown>;
  expect(Object.keys(taken).length).toBeGreaterThan(15);
  expect(taken).toEqual(Object.fromEntries(Object.keys(taken).map((name) => [name, table[name]])));
});
