/**
 * What a client may do, as sums of 2 to the power of the operation's code. Without authorisation
 * everything is allowed that the kind of resource knows, and whoever asks is told so.
 */

import { OPERATIONS_NOT_ASKED } from './wire/index.ts';

const OPERATION_CODES = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const;

type Operation = keyof typeof OPERATION_CODES;

function sumOf(operations: readonly Operation[]): number {
  return operations.reduce((sum, operation) => sum | (1 << OPERATION_CODES[operation]), 0);
}

const CONFIG_OPERATIONS: readonly Operation[] = ['describeConfigs', 'alterConfigs'];

const ALL_OPERATIONS = {
  topic: sumOf(['read', 'write', 'create', 'delete', 'alter', 'describe', ...CONFIG_OPERATIONS]),
  group: sumOf(['read', 'delete', 'describe']),
  cluster: sumOf([
    'create',
    'alter',
    'describe',
    'clusterAction',
    'idempotentWrite',
    ...CONFIG_OPERATIONS,
  ]),
} as const;

/** @param isAsked whether the request wants to know. @see KIP-430 */
export function allowedOperations(resource: keyof typeof ALL_OPERATIONS, isAsked: boolean): number {
  return isAsked ? ALL_OPERATIONS[resource] : OPERATIONS_NOT_ASKED;
}
