import { parsers } from '../config/parsers.ts';
import { setting } from '../config/setting.ts';
import { logLevels } from '../log/logger.ts';

/** The settings that {@link runApp} itself reads; every app's table contains them. */
export const processSettings = {
  logLevel: setting({
    parser: parsers.oneOf(...logLevels),
    default: 'info',
    doc: 'The least severe level that is logged.',
  }),
  logFormat: setting({
    parser: parsers.oneOf('json', 'text'),
    default: 'json',
    doc: 'How log lines are written: `json` for machines, `text` for people.',
  }),
  shutdownTimeout: setting({
    parser: parsers.duration({ min: '1s' }),
    default: '30s',
    doc: 'How long the whole shutdown may take; then the process exits with 1.',
  }),
  loopLimit: setting({
    parser: parsers.duration(),
    default: '10s',
    doc: 'CPU time that one turn of the event loop may take; then the process is ended by SIGABRT, to be started again. `0`: any.',
  }),
};

/** The settings of the infrastructure and the admin server, alike in every app. */
export const serverSettings = {
  infraHost: setting({
    parser: parsers.string(),
    default: '0.0.0.0',
    doc: 'The address of the infrastructure server: health, metrics, what other scaler processes ask.',
  }),
  infraPort: setting({ parser: parsers.port(), default: 8081, doc: 'The port of the infrastructure server.' }),
  adminHost: setting({
    parser: parsers.string(),
    default: '127.0.0.1',
    proposal: false,
    doc: 'The address of the admin server. Anything but loopback needs `--admin-token-file`.',
  }),
  adminPort: setting({ parser: parsers.port(), default: 8082, doc: 'The port of the admin server.' }),
  adminTokenFile: setting({
    parser: parsers.secretFile(),
    proposal: false,
    doc: 'A file with the bearer token that the admin server demands. It is read at each request, so it can be rotated.',
  }),
};

/** The settings by which a resource scaler is found, alike in every app. */
export const pluginSettings = {
  scaler: setting({
    parser: parsers.string(),
    default: '@scaler/deployment-scaler',
    proposal: false,
    doc: 'The resource scaler: a package name, or the path of a package or file.',
  }),
  scalerOption: setting({
    parser: parsers.pairs(),
    default: '',
    envFamily: 'OPTION',
    secret: true,
    proposal: false,
    doc: 'A setting of the resource scaler itself; the flag may be repeated.',
  }),
  pluginDir: setting({
    parser: parsers.string(),
    proposal: false,
    doc: 'A folder whose `node_modules` is searched for the resource scaler too.',
  }),
};

/** The settings of a replica's identity, namespaces, cluster and DLX, alike in every app. */
export const placeSettings = {
  identity: setting({
    parser: parsers.string(),
    proposal: false,
    doc: 'This replica, unique among all. Default: the host name.',
  }),
  namespaces: setting({
    parser: parsers.list(parsers.string()),
    default: '',
    proposal: false,
    doc: 'The namespaces to manage. Empty: all.',
  }),
  kubeconfig: setting({
    parser: parsers.string(),
    proposal: false,
    doc: "The path of a kubeconfig, also handed to the scaler. Default: the files of `KUBECONFIG`, `~/.kube/config`, the pod's own.",
  }),
  dlxService: setting({
    parser: parsers.namespacedName(),
    proposal: false,
    doc: "The DLX's Service; its ready and its draining addresses are the replicas that receive, and that are asked on the port named `infra`.",
  }),
  controlTokenFile: setting({
    parser: parsers.secretFile(),
    proposal: false,
    doc: 'A file with the token by which the autoscaler asks the DLX on its control port; both need the same. Each line is one: all are accepted, the first is sent. Read again every second. Without, it asks on the infrastructure port.',
  }),
};
