import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { RuntimeError } from '../errors.ts';
import { createLogSink } from '../testing/log-sink.ts';
import { applyProposal, loadConfig, logConfig } from './config.ts';
import { helpText, optionsSchema, optionsTable } from './outputs.ts';
import { parsers } from './parsers.ts';
import { defineConfig, setting } from './setting.ts';

const table = defineConfig({
  scaleInterval: setting({ parser: parsers.duration({ min: '1s' }), default: '10s', doc: 'Time between ticks.' }),
  maxParks: setting({ parser: parsers.integer(1, 64), default: 8, unit: 'resources', doc: 'Parks at once.' }),
  dryRun: setting({ parser: parsers.boolean(), default: false, doc: 'Decides, writes nothing.' }),
  source: setting({ parser: parsers.oneOf('custom-metrics', 'none'), default: 'none', doc: 'Where samples are from.' }),
  namespaces: setting({ parser: parsers.list(parsers.string()), default: '', doc: 'Which to manage.' }),
  token: setting({ parser: parsers.string(), secret: true, proposal: false, doc: 'A secret.' }),
  option: setting({ parser: parsers.pairs(), default: '', envFamily: 'OPTION', doc: 'For the scaler.' }),
});

function load(argv: string[] = [], env: Record<string, string> = {}) {
  return loadConfig(table, { argv, env });
}

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-config', exitCode: 2 });
    return (error as RuntimeError).problems;
  }
  throw new Error('nothing was refused');
}

describe('loadConfig', () => {
  test('uses the defaults when nothing is given, typed by their parsers and frozen', () => {
    const { values, sources } = load();
    const interval: number = values.scaleInterval;
    const token: string | undefined = values.token;
    const source: 'custom-metrics' | 'none' = values.source;
    expect([interval, token, source]).toEqual([10_000, undefined, 'none']);
    expect(values).toEqual({
      scaleInterval: 10_000,
      maxParks: 8,
      dryRun: false,
      source: 'none',
      namespaces: [],
      token: undefined,
      option: {},
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect(Object.isFrozen(values)).toBe(true);
  });

  test('a flag wins over the environment, which wins over the default, and each value knows its source', () => {
    const { values, sources } = load(['--scale-interval', '30s'], {
      SCALER_SCALE_INTERVAL: '5s',
      SCALER_MAX_PARKS: '3',
    });
    expect(values).toMatchObject({ scaleInterval: 30_000, maxParks: 3 });
    expect(sources).toMatchObject({ scaleInterval: 'flag', maxParks: 'env', source: 'default' });
  });

  test.each([
    [['--scale-interval=2m'], { scaleInterval: 120_000 }],
    [['--dry-run'], { dryRun: true }],
    [['--dry-run=false'], { dryRun: false }],
    [['--no-dry-run'], { dryRun: false }],
    [['--namespaces=a,b', '--namespaces', 'c'], { namespaces: ['a', 'b', 'c'] }],
    [['--option', 'a=1', '--option=b=x=y,z'], { option: { a: '1', b: 'x=y,z' } }],
  ])('reads %j', (argv, expected) => {
    expect(load(argv).values).toMatchObject(expected);
  });

  test('a family of variables becomes one value, and flags win over single members of it', () => {
    const { values } = load(['--option', 'basePort=2'], { SCALER_OPTION_BASE_PORT: '1', SCALER_OPTION_IMAGE: 'x=y' });
    expect(values.option).toEqual({ basePort: '2', image: 'x=y' });
  });

  test('an empty variable counts as not set', () => {
    expect(load([], { SCALER_MAX_PARKS: '' }).values.maxParks).toBe(8);
  });

  test('one run reports all of its mistakes, each with where it stands, the value and what is allowed', () => {
    const argv = ['--max-parks=0', '--scale-intervall', '5s', '--dry-run=yes', '--source', '--no-max-parks'];
    expect(problemsOf(() => load(argv, { SCALER_SCALE_INTERVAL: '500ms' }))).toEqual([
      'unknown flag --scale-intervall, --help lists all',
      'unknown argument "5s", flags only are allowed',
      '--source has no value, allowed is custom-metrics, none',
      'unknown flag --no-max-parks, --help lists all',
      'SCALER_SCALE_INTERVAL is "500ms", allowed is a duration such as 90s, 5m or 1h30m, at least 1s',
      '--max-parks is "0", allowed is a whole number from 1 to 64',
      '--dry-run is "yes", allowed is true, false',
    ]);
  });

  test('a flag given twice is refused where one value is wanted', () => {
    expect(problemsOf(() => load(['--max-parks=1', '--max-parks=2']))).toContain(
      '--max-parks is given 2 times (1, 2), allowed is once',
    );
  });

  test('a secret given twice or wrongly does not appear in the message', () => {
    const secrets = defineConfig({ pin: setting({ parser: parsers.integer(0, 9), secret: true, doc: 'x' }) });
    const once = problemsOf(() => loadConfig(secrets, { argv: ['--pin=hunter2'], env: {} }));
    const twice = problemsOf(() => loadConfig(secrets, { argv: ['--pin=hunter2', '--pin=hunter3'], env: {} }));
    expect([...once, ...twice].join()).not.toContain('hunter');
  });

  test('a variable with the prefix that no setting reads is a warning, one that Kubernetes made for a Service is not', () => {
    const env = {
      SCALER_MAX_PARK: '3',
      SCALER_DLX_SERVICE_HOST: '10.0.0.1',
      SCALER_DLX_PORT_80_TCP_ADDR: '10.0.0.1',
      OTHER: 'x',
    };
    expect(load([], env).warnings).toEqual(['SCALER_MAX_PARK is set, but no setting reads it']);
  });

  test('the names of Object.prototype are no settings', () => {
    expect(problemsOf(() => load(['--constructor=1']))).toHaveLength(1);
    expect(problemsOf(() => applyProposal(load(), { constructor: 1 } as never, 'x'))).toHaveLength(1);
  });
});

describe('applyProposal', () => {
  test('replaces defaults, and never a flag or a variable', () => {
    const config = applyProposal(
      load(['--max-parks=2']),
      { maxParks: 4, scaleInterval: '20s', dryRun: true },
      'my-scaler',
    );
    expect(config.values).toMatchObject({ maxParks: 2, scaleInterval: 20_000, dryRun: true });
    expect(config.sources).toMatchObject({ maxParks: 'flag', scaleInterval: 'scaler', dryRun: 'scaler' });
    expect(config.proposals).toEqual({ maxParks: 4, scaleInterval: '20s', dryRun: true });
  });

  test('refuses unknown names, closed names and wrong values in the name of the scaler, even where a flag would win', () => {
    const proposal = { maxPark: 4, token: 'x', maxParks: 0 };
    const allowed = 'allowed is scaleInterval, maxParks, dryRun, source, namespaces, option';
    expect(problemsOf(() => applyProposal(load(['--max-parks=2']), proposal, 'my-scaler'))).toEqual([
      `scaler "my-scaler" proposes maxPark, which no setting is named, ${allowed}`,
      `scaler "my-scaler" proposes token, which is not open to proposals, ${allowed}`,
      'scaler "my-scaler" proposes maxParks, which is "0", allowed is a whole number from 1 to 64',
    ]);
  });
});

test('logConfig logs each value with its source, and no secret', () => {
  const sink = createLogSink();
  logConfig(
    load(['--token=hunter2', '--scale-interval=90s', '--option=password=hunter3'], { SCALER_X: '1' }),
    sink.logger,
  );
  expect(sink.lines()[0]).toMatchObject({
    msg: 'configuration',
    settings: { scaleInterval: { value: '1m30s', source: 'flag' }, maxParks: { value: '8', source: 'default' } },
  });
  expect(sink.lines()[1]).toMatchObject({ level: 'warn', warning: 'SCALER_X is set, but no setting reads it' });
  expect(sink.texts.join()).not.toContain('hunter2');
});

describe('parsers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runtime-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test.each([
    ['string', parsers.string(), 'x', 'x'],
    ['pattern', parsers.string({ pattern: /^a+$/ }), 'aa', 'aa'],
    ['negative integer', parsers.integer(-5, 5), '-3', -3],
    ['port', parsers.port(), '65535', 65_535],
    ['duration', parsers.duration(), '1h30m', 5_400_000],
    ['quantity', parsers.quantity(), '100m', 0.1],
    ['url', parsers.url(), 'https://x.example/a?b', 'https://x.example/a?b'],
    ['hostPort', parsers.hostPort(), 'dlx.ns.svc:8080', { host: 'dlx.ns.svc', port: 8080 }],
    ['hostPort v6', parsers.hostPort(), '[::1]:80', { host: '::1', port: 80 }],
    ['list', parsers.list(parsers.port()), '1, 2', [1, 2]],
    ['secretFile', parsers.secretFile(), file('full', 'x\n'), join(folder, 'full')],
  ])('%s accepts what it should, and its format parses to the same again', (_name, parser, text, value) => {
    const { parse, format } = parser as typeof parser & { format(value: unknown): string };
    expect(parse(text)).toEqual({ ok: true, value });
    expect(parse(format(value))).toEqual({ ok: true, value });
  });

  test.each([
    ['empty string', parsers.string(), ''],
    ['pattern', parsers.string({ pattern: /^a+$/ }), 'b'],
    ['word', parsers.oneOf('a', 'b'), 'A'],
    ['boolean', parsers.boolean(), '1'],
    ['number with unit', parsers.integer(0, 9), '5s'],
    ['hex', parsers.integer(0, 99), '0x10'],
    ['blank integer', parsers.integer(0, 99), ' '],
    ['fraction', parsers.integer(0, 99), '1.5'],
    ['port', parsers.port(), '65536'],
    ['bare number as duration', parsers.duration(), '30'],
    ['too short a duration', parsers.duration({ min: '1m' }), '59s'],
    ['quantity', parsers.quantity(), '5 apples'],
    ['url scheme', parsers.url(), 'file:///etc/passwd'],
    ['url password', parsers.url(), 'http://u:p@x'],
    ['hostPort without port', parsers.hostPort(), 'x'],
    ['list item', parsers.list(parsers.port()), '1,,2'],
    ['pair', parsers.pairs(), 'novalue'],
    ['missing file', parsers.secretFile(), join(folder, 'none')],
    ['blank file', parsers.secretFile(), file('blank', ' \n')],
  ])('%s is refused', (_name, parser, text) => {
    expect(parser.parse(text).ok).toBe(false);
  });
});

describe('the outputs of a table', () => {
  test('the help names every flag, variable, default and what is allowed', () => {
    const text = helpText(table, { name: 'app', summary: 'Does it.' });
    expect(text).toContain('Usage: app [options]');
    expect(text).toContain('--scale-interval <duration>  (SCALER_SCALE_INTERVAL)  default: 10s');
    expect(text).toContain('--dry-run, --no-dry-run  (SCALER_DRY_RUN)  default: false');
    expect(text).toContain('SCALER_OPTION_<NAME>');
    expect(text).toContain('Parks at once. Unit: resources. Allowed: a whole number from 1 to 64.');
  });

  test('the options table has one padded row per setting', () => {
    const lines = optionsTable(table).split('\n');
    expect(lines).toHaveLength(2 + Object.keys(table).length);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[3]?.split('|').map((cell) => cell.trim())).toEqual([
      '',
      '`--max-parks`',
      '`SCALER_MAX_PARKS`',
      '`8`',
      'a whole number from 1 to 64 (resources)',
      'Parks at once.',
      '',
    ]);
  });

  test('the schema has types, bounds and defaults', () => {
    expect(optionsSchema(table)).toMatchObject({
      additionalProperties: false,
      required: [],
      properties: {
        maxParks: {
          type: 'integer',
          minimum: 1,
          maximum: 64,
          default: 8,
          description: 'Parks at once. Unit: resources.',
        },
        dryRun: { type: 'boolean', default: false },
        source: { enum: ['custom-metrics', 'none'], default: 'none' },
        namespaces: { type: 'array', items: { type: 'string' }, default: [] },
        option: { type: 'object', default: {} },
      },
    });
  });
});

test.each([
  ['scale_interval', {}, /camelCase/],
  ['apiURL', {}, /camelCase/],
  ['noCache', {}, /not no…/],
  ['help', {}, /help/],
  ['interval', { default: 'often' }, /has the default "often", allowed is a duration/],
  ['interval', { envFamily: 'X' }, /one value only/],
])('a table with the setting %s %j is refused', (name, options, message) => {
  expect(() => defineConfig({ [name]: setting({ parser: parsers.duration(), doc: 'x', ...options }) })).toThrow(
    expect.objectContaining({ code: 'invalid-table', message: expect.stringMatching(message) as unknown }),
  );
});
