/**
 * Who may import whom. A file imports from its own top folder and from lower floors, and another
 * folder only through its `index.ts`. Leaves are imported by nobody but the tests.
 */

import { type Import, topFolder } from './sources.ts';

/** Folders on one floor do not see each other. */
export const floors: Readonly<Record<string, number>> = {
  common: 0,
  protocol: 1,
  network: 2,
  coordinator: 3,
  client: 3,
  broker: 4,
  cli: 5,
  bench: 6,
};

/** Files beside `index.ts` that another folder may import, each with its reason. */
export const sideDoors: Readonly<Record<string, string>> = {
  'common/environment/production/index.ts':
    'touches the real world: only who runs in it may load it, the simulator never does',
  'coordinator/embedded/index.ts': 'a broker must not load the server that it is a client of',
  'broker/log/index.ts': 'the log commands read files without loading a broker',
  'broker/kafka/wire/index.ts': 'the fuzzer speaks the protocol without loading a broker',
  'broker/logging/index.ts': 'the coordinator command logs without loading a broker',
  'broker/productionEnvironment.ts': 'the coordinator command needs no broker either',
  'protocol/errors.ts': 'the SDK exports one error class without loading the whole protocol',
};

/** Inside broker/: what a folder may import of its sisters. */
export const brokerFloors: Readonly<Record<string, readonly string[]>> = {
  config: [],
  logging: [],
  metrics: [],
  log: [],
  metadata: ['config'],
  replica: ['log', 'config', 'metadata'],
  group: ['replica', 'log'],
  api: ['replica', 'config', 'metadata', 'metrics', 'log'],
  kafka: ['api', 'group', 'replica', 'config', 'metadata', 'metrics', 'log'],
  admin: ['api', 'replica', 'config', 'metadata', 'metrics', 'log'],
};

/** Top folders that a folder of broker/ must not reach, though broker/ as a whole may. */
export const brokerBans: Readonly<Record<string, readonly string[]>> = {
  log: ['network', 'coordinator'],
  replica: ['network', 'coordinator'],
  group: ['network', 'coordinator'],
  config: ['network', 'coordinator'],
  metadata: ['network', 'coordinator'],
};

/** @returns why the import is not allowed, or undefined. */
export function layeringFault({ file, target }: Import): string | undefined {
  if (target === undefined) return undefined;
  const from = topFolder(file.path);
  const to = topFolder(target);
  const fromFloor = floors[from];
  if (fromFloor === undefined) return undefined;
  if (from === to) return from === 'broker' ? brokerFault(file.path, target) : undefined;
  const toFloor = floors[to];
  if (toFloor === undefined) return target === 'package.json' ? undefined : `${to}/ is a leaf`;
  if (toFloor >= fromFloor) return `${to}/ is not below ${from}/`;
  const banned = from === 'broker' ? (brokerBans[file.path.split('/')[1] ?? ''] ?? []) : [];
  if (banned.includes(to)) return `this part of broker/ knows nothing of ${to}/`;
  if (target === `${to}/index.ts` || target in sideDoors) return undefined;
  return `${to}/ is entered by its index.ts`;
}

function brokerFault(from: string, target: string): string | undefined {
  const [, own = '', ...rest] = from.split('/');
  const [, sister = '', ...targetRest] = target.split('/');
  // Files at the top of broker/ put the parts together.
  if (rest.length === 0) {
    return targetRest.length === 0 || targetRest.join('/') === 'index.ts'
      ? undefined
      : `broker/${sister}/ is entered by its index.ts`;
  }
  if (own === sister) return undefined;
  if (targetRest.length === 0) return 'a part of broker/ does not know what puts it together';
  const allowed = brokerFloors[own];
  if (allowed === undefined)
    return `broker/${own}/ has no place in the table of test/tidy/layers.ts`;
  if (!allowed.includes(sister)) return `broker/${own}/ knows nothing of broker/${sister}/`;
  return targetRest.join('/') === 'index.ts'
    ? undefined
    : `broker/${sister}/ is entered by its index.ts`;
}
