/** From a line of text to a `HistoryLine`: everything that the checker relies on is looked at. */

import { HistoryError } from './historyError.ts';
import type { HistoryLine } from './historyLine.ts';

/**
 * @param number of the line, for the error.
 * @throws {HistoryError} what is wrong, with the value.
 */
export function parseLine(text: string, number: number): HistoryLine {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (error) {
    throw new HistoryError(number, `no JSON (${(error as Error).message})`);
  }
  const fault = isObject(line) ? lineFault(line) : 'no JSON object';
  if (fault !== undefined) throw new HistoryError(number, fault);
  return line as unknown as HistoryLine;
}

type Fields = Readonly<Record<string, unknown>>;

function lineFault(line: Fields): string | undefined {
  if (!isCount(line['i'])) return expected('i', 'a whole number from 0', line['i']);
  if (!isName(line['process'])) return expected('process', 'a string or number', line['process']);
  const types = ['invoke', 'ok', 'fail', 'info'];
  if (!types.includes(line['type'] as string)) {
    return expected('type', types.join(', '), line['type']);
  }
  return optionFault(line) ?? valueFault(line);
}

const options: readonly (readonly [name: string, allowed: readonly unknown[]])[] = Object.entries({
  acks: ['all', 1, 0],
  idempotent: [true, false],
  ordered: [true, false],
  possiblyDuplicated: [true, false],
  final: [true, false],
  isolation: ['read_committed', 'read_uncommitted'],
});

function optionFault(line: Fields): string | undefined {
  for (const [name, allowed] of options) {
    if (line[name] !== undefined && !allowed.includes(line[name])) {
      return expected(name, allowed.join(', '), line[name]);
    }
  }
  const { error, rebalance } = line;
  if (error !== undefined && typeof error !== 'string') return expected('error', 'a string', error);
  if (rebalance !== undefined && !isNameList(rebalance)) {
    return expected('rebalance', 'a list of partitions', rebalance);
  }
  return undefined;
}

function valueFault(line: Fields): string | undefined {
  const { f, value } = line;
  switch (f) {
    case 'send':
    case 'poll':
    case 'txn':
      if (!Array.isArray(value)) return expected('value', 'a list of steps', value);
      return value
        .map((step) => stepFault(step, f, line['type'] as string))
        .find((fault) => fault !== undefined);
    case 'assign':
    case 'subscribe':
    case 'excuse':
      return isNameList(value) ? undefined : expected('value', 'a list of names', value);
    case 'seek':
    case 'trim': {
      const isRight =
        isObject(value) &&
        Object.values(value).every(
          (offset) => isCount(offset) || (offset === null && f === 'seek'),
        );
      return isRight ? undefined : expected('value', 'offsets by partition', value);
    }
    case 'crash':
    case 'note':
      return undefined;
    default:
      return expected(
        'f',
        'send, poll, txn, assign, subscribe, seek, crash, trim, excuse, note',
        f,
      );
  }
}

function stepFault(step: unknown, f: string, type: string): string | undefined {
  if (!Array.isArray(step)) return expected('a step', '["send", ...] or ["poll", ...]', step);
  if (step[0] === 'send' && f !== 'poll') {
    const [, partition, value, offset] = step as unknown[];
    const isAcknowledged = type === 'ok';
    const isPlaced =
      typeof partition === 'string' || (partition === null && step.length === 3 && !isAcknowledged);
    const isTold = offset === null || isCount(offset) || (offset === undefined && !isAcknowledged);
    if (isPlaced && isName(value) && isTold) return undefined;
    return expected('a step', '["send", partition, value] and the offset when ok', step);
  }
  if (step[0] === 'poll' && f !== 'send') {
    const isRight = step.length === 1 ? type !== 'ok' : isPolled(step[1]);
    return isRight
      ? undefined
      : expected('a step', '["poll", {partition: [[offset, value], ...]}]', step);
  }
  return expected('a step', `one that a ${f} may have`, step);
}

function isPolled(value: unknown): boolean {
  if (!isObject(value)) return false;
  return Object.values(value).every(
    (records) =>
      Array.isArray(records) &&
      records.every(
        (record) =>
          Array.isArray(record) &&
          record.length === 2 &&
          isCount(record[0] as unknown) &&
          isName(record[1] as unknown),
      ),
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNameList(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

function isName(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function expected(what: string, wanted: string, found: unknown): string {
  const text = JSON.stringify(found) ?? 'nothing';
  return `${what} must be ${wanted}; it is ${text.length > 80 ? `${text.slice(0, 80)}...` : text}`;
}
