import { annotated, type Attempt, patched } from './attempt.ts';
import { appNamespace } from '../sleepers.ts';

const old = (patch: object): string[] => patched(appNamespace, 'deployment/old', patch);

/** Annotations of people, right and wrong ones. */
export function annotationAttempts(): Attempt[] {
  return [
    ...wrongAnnotations(),
    { what: 'a right annotation', args: annotated({ 'scaler/cooldown': '1m30s' }) },
    { what: 'an old object with a wrong annotation', args: old({ spec: { replicas: 1 } }) },
    {
      what: 'another wrong annotation on it',
      args: old({ metadata: { annotations: { 'scaler/cooldown': 'late' } } }),
      refused: 'scaler/cooldown is "late", allowed is',
    },
  ];
}

function wrongAnnotations(): Attempt[] {
  const wrong = {
    routing: 'sideways',
    metrics: 'requests',
    'idle-after': '0s',
    cooldown: 'soon',
    pause: 'maybe',
    veto: 'http://evil/',
    replicas: '0',
    'dry-run': 'yes',
    hosts: 'a b',
    quiet: '{}',
    mesh: 'on',
  };
  const long = {
    'tcp-ports': Array.from({ length: 1_001 }, (_, i) => `${i + 1}`).join(),
    settle: `${'9'.repeat(100)}h`,
    metrics: `requests_per_5m<=${'9'.repeat(50_000)}`,
  };
  return Object.entries({ ...wrong, ...long }).map(([name, value]) => {
    const shown = value.length <= 80 ? value : `${value.slice(0, 80)}…`;
    return {
      what: `scaler/${name}: ${shown}`,
      args: annotated({ [`scaler/${name}`]: value }),
      refused: `scaler/${name} is "${shown}", allowed is`,
    };
  });
}
