import type { DivertedPort } from '../routing/build-slice.ts';
import { heldPort } from './allocate-ports.ts';
import { ledPorts } from './led-ports.ts';
import { portLabel } from './port-label.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Workload } from '../workload/workload.ts';
import type { Dependencies } from '../dependencies.ts';
import { isEnabled } from '../cache/lookup.ts';
import { divertedPorts, isLabelled, type ServiceSnapshot } from '../routing/service-view.ts';

type Book = Pick<Dependencies, 'options' | 'portBook'>;

/**
 * Where the DLX listens for a Service's ports, for the Lease holder: as labels say, if that was given to the workload; for
 * the rest, where the Service's slices lead now. So a label that another client wrote diverts nothing to another's port.
 */
export function givenPorts(
  { options: { portRange }, portBook }: Book,
  workload: Workload,
  { service, slices }: Pick<ServiceSnapshot, 'service' | 'slices'>,
): readonly DivertedPort[] {
  if (service === undefined) return [];
  const labelled = divertedPorts(service, workload, portRange);
  if (isAllGiven(portBook, workload)) return labelled;
  const given = new Map(labelled.map((one) => [one.name ?? '', one]));
  const led = ledPorts(service, workload.name, slices, portRange);
  return service.ports
    .filter(({ protocol }) => protocol === 'TCP')
    .flatMap(({ name, port, appProtocol }) => {
      const one = given.get(name ?? '');
      if (one !== undefined && isGiven(portBook, workload, portLabel(service.name, port), one.listenPort)) return [one];
      const listenPort = led.get(name ?? '')?.port;
      return listenPort === undefined ? [] : [{ name, listenPort, appProtocol }];
    });
}

/** Whether each TCP port of these Services has a port of the DLX by a label, which was given to it, and no label is too many. */
export function arePortsGiven(
  { options: { portRange }, portBook }: Book,
  workload: Workload,
  services: readonly ServiceInfo[],
): boolean {
  if (!services.every((service) => isLabelled(service, workload, portRange))) return false;
  const wanted = services.reduce(
    (sum, { ports }) => sum + ports.filter(({ protocol }) => protocol === 'TCP').length,
    0,
  );
  return workload.portLabels.length === wanted && isAllGiven(portBook, workload);
}

/** Whether each of its labels of ports was given to it. What is being handed back keeps what it has. */
export function isAllGiven(book: Dependencies['portBook'], workload: Workload): boolean {
  if (book.held === undefined || !isEnabled(workload)) return true;
  return workload.portLabels.every(({ label, value }) => isGiven(book, workload, label, value));
}

function isGiven(
  { held }: Dependencies['portBook'],
  workload: Workload,
  label: string,
  port: number | string,
): boolean {
  return held === undefined || held.has(heldPort(workload, label, String(port)));
}
