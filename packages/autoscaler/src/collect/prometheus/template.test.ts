import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseQueries } from './queries.ts';
import { parseTemplate } from './template.ts';

const values = { window: '5m', namespace: 'shop', names: ['web'], labels: { queue: 'a' } };

describe('a placeholder is replaced by a text that is one value where it stands', () => {
  test.each([
    ['rate(x{ns="${namespace}"}[${window}])', 'rate(x{ns="shop"}[5m])'],
    ['x{ns!=\'${namespace}\', q = "${labels.queue}"}', 'x{ns!=\'shop\', q = "a"}'],
    ['x{pod=~"${name}-[a-z0-9]+"} > 0', 'x{pod=~"web-[a-z0-9]+"} > 0'],
    ['x{d!~"${names}"}', 'x{d!~"(?:web)"}'],
    [
      '# nothing "here\nx{a="}", ns="${namespace}"} # ${not}'.replace('${not}', 'so'),
      '# nothing "here\nx{a="}", ns="shop"} # so',
    ],
    ['x{a="\\"", b=`"`, ns="${namespace}"}', 'x{a="\\"", b=`"`, ns="shop"}'],
    ['{__name__="a$b", ns="$${namespace}"}', '{__name__="a$b", ns="$shop"}'],
  ])('%s', (template, query) => {
    expect(parseTemplate(template).render(values)).toBe(query);
  });

  test.each([
    ['x{n="${name}"}', 'a"} or y{b="', 'x{n="a\\"} or y{b=\\""}'],
    ["x{n='${name}'}", 'a\'"\\', "x{n='a\\'\"\\\\'}"],
    ['x{n="${name}"}', 'a\nb\u0000', 'x{n="a\\u000ab\\u0000"}'],
    ['x{n=~"${name}"}', '.*|b\\', 'x{n=~"\\\\.\\\\*\\\\|b\\\\\\\\"}'],
    ['x{n=~"${names}"}', '.+', 'x{n=~"(?:\\\\.\\\\+)"}'],
  ])('%s by %j', (template, name, query) => {
    expect(parseTemplate(template).render({ ...values, names: [name] })).toBe(query);
  });

  test('any text: read back as PromQL reads strings, and matched as a regular expression, it is the same', () => {
    const equal = parseTemplate('x{n="${name}"}');
    const regex = parseTemplate('x{n=~"${names}"}');
    const unquote = (query: string): string => {
      const [, inside = ''] = /^x\{n=~?"((?:[^"\\\n]|\\.)*)"\}$/s.exec(query) ?? [query];
      expect(query.endsWith(`"${inside}"}`)).toBe(true);
      return inside.replaceAll(/\\(?:u([0-9a-f]{4})|(.))/gs, (_all, code: string | undefined, one: string) =>
        code === undefined ? one : String.fromCharCode(parseInt(code, 16)),
      );
    };
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ minLength: 1 }), (one, two) => {
        expect(unquote(equal.render({ ...values, names: [one] }))).toBe(one);
        const expression = new RegExp(`^(?:${unquote(regex.render({ ...values, names: [one, two] }))})$`, 's');
        expect([expression.test(one), expression.test(two), expression.test(`${one}${two}!`)]).toEqual([
          true,
          true,
          false,
        ]);
      }),
    );
  });
});

describe('a template is refused', () => {
  test.each([
    ['x{n="${nam}"}', /no placeholder \$\{nam\}; there are/],
    ['x{n=${name}}', /\$\{name\} may stand only in the quoted value/],
    ['${namespace}_requests', /may stand only in the quoted value/],
    ['x[${labels.window}]', /may stand only in the quoted value/],
    ['x{n="${names}"}', /several names.*=~/],
    ['x{n=`${name}`}', /in `…` or in a comment/],
    ['x # ${name}', /in `…` or in a comment/],
    ['label_replace(x, "a", "${name}", "b", "(.*)")', /not the value of a label matcher/],
    ['x{"${name}"}', /not the value of a label matcher/],
    ['x == "${name}"', /not the value of a label matcher/],
    ['x{n="${name}', /a string has no end/],
  ])('%s', (template, why) => {
    expect(() => parseTemplate(template)).toThrow(why);
  });
});

describe('a file of queries', () => {
  const many = { query: 'sum by (d) (x{ns="${namespace}", d=~"${names}"})', label: 'd' };

  test('is read', () => {
    const queries = parseQueries(JSON.stringify({ many: { ...many, doubt: 'up == 0' }, all: { query: 'sum(x)' } }));
    expect([...queries.keys()]).toEqual(['many', 'all']);
    expect(queries.get('many')?.label).toBe('d');
  });

  test.each<[string, unknown, RegExp]>([
    ['no object', [], /must be a JSON object/],
    ['no query', {}, /has no query/],
    ['a query that is no object', { a: 'x' }, /query a: it must be a JSON object/],
    ['an unknown field', { a: { query: 'x', quary: 'y' } }, /no field quary/],
    ['no text', { a: { query: 5 } }, /query must be a text/],
    ['an empty label', { a: { ...many, label: '' } }, /label must be/],
    ['a doubt that is none', { a: { ...many, doubt: 5 } }, /doubt must be/],
    ['a label, and one name', { a: { query: 'x{ns="${namespace}",d="${name}"}', label: 'd' } }, /use \$\{names\}/],
    ['a label, and no names', { a: { query: 'x', label: 'd' } }, /must use \$\{names\}/],
    ['names, and no label', { a: { query: many.query } }, /needs a label/],
    ["a neighbour's", { a: { query: 'x{d="${name}"}' } }, /must use \$\{namespace\} too/],
    ["a neighbour's doubt", { a: { ...many, doubt: 'x{d=~"${names}"}' } }, /must use \$\{namespace\} too/],
  ])('is refused with %s', (_name, json, why) => {
    expect(() => parseQueries(JSON.stringify(json))).toThrow(why);
  });
});
