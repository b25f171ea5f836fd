import { expect, test } from '@jest/globals';
import { nextVersion } from './chart-version.ts';

test.each([
  ['nothing', [], '1.2.3'],
  ['what stays as it is', ['1.0.0 1.0.0'], '1.2.3'],
  ['a patch', ['0.1.0 0.1.1', '4.0.0 4.0.0'], '1.2.4'],
  ['two patches at once', ['0.1.0 0.1.2'], '1.2.4'],
  ['a minor beside a patch', ['0.1.0 0.1.1', '0.9.3 0.10.0'], '1.3.0'],
  ['a major', ['0.1.0 0.1.1', '0.9.3 1.0.0', '0.1.0 0.2.0'], '2.0.0'],
])('the chart takes the widest step of the packages: %s', (_, packages, next) => {
  const steps = packages.map((one) => one.split(' ')).map(([from = '', to = '']) => ({ from, to }));
  expect(nextVersion('1.2.3', steps)).toBe(next);
});

test('a version of another form is refused', () => {
  expect(() => nextVersion('1.2', [{ from: '1.0.0', to: '1.0.1' }])).toThrow(
    'the version is "1.2", allowed is MAJOR.MINOR.PATCH',
  );
  expect(() => nextVersion('1.2.3', [{ from: '1.0.0', to: '1.0.1-rc.1' }])).toThrow('"1.0.1-rc.1"');
});
