import { type Account, annotated, type Attempt, patched, type Write } from './attempt.ts';
import { appNamespace } from '../sleepers.ts';

const old = (patch: object): Write => patched(appNamespace, 'deployment/old', patch);
const late = { metadata: { annotations: { 'scaler/cooldown': 'late' } } };

/** Annotations of people, right and wrong ones. */
export function annotationAttempts(person: Account): Attempt[] {
  return [
    ...wrongAnnotations(person),
    person('a right annotation', annotated({ 'scaler/cooldown': '1m30s' })),
    person('an old object with a wrong annotation', old({ spec: { replicas: 1 } })),
    person('another wrong annotation on it', old(late), 'scaler/cooldown is "late", allowed is'),
  ];
}

function wrongAnnotations(person: Account): Attempt[] {
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
    const key = `scaler/${name}`;
    return person(`${key}: ${shown}`, annotated({ [key]: value }), `${key} is "${shown}", allowed is`);
  });
}
