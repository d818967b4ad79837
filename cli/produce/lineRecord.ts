/** How a line of input becomes key and value. */

import { OdradekError } from '../../common/index.ts';

export interface LineRecord {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array;
}

/** @throws {OdradekError} INVALID_LINE, naming the line. */
export type LineParser = (line: Buffer, lineNumber: number) => LineRecord;

/** The whole line is the value; there is no key. */
export const valueOnly: LineParser = (line) => ({ key: null, value: line });

/** `key<separator>value`; a line without the separator has no key. */
export function separatedKey(separator: string): LineParser {
  const bytes = Buffer.from(separator);
  return (line) => {
    const at = line.indexOf(bytes);
    if (at === -1) return { key: null, value: line };
    return { key: line.subarray(0, at), value: line.subarray(at + bytes.length) };
  };
}

/** The line is a JSON object, and one of its fields is the key: a string as it is, else as JSON. */
export function fieldKey(field: string): LineParser {
  return (line, lineNumber) => {
    const key = readField(line, lineNumber, field);
    if (key === null || typeof key === 'string') return { key, value: line };
    return { key: JSON.stringify(key), value: line };
  };
}

function readField(line: Buffer, lineNumber: number, field: string): unknown {
  const parsed = parseJson(line, lineNumber);
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, field)) {
    throw invalidLine(lineNumber, `it lacks the field "${field}" of --key-field`);
  }
  return (parsed as Readonly<Record<string, unknown>>)[field];
}

function parseJson(line: Buffer, lineNumber: number): unknown {
  try {
    return JSON.parse(line.toString());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalidLine(lineNumber, `it is no JSON: ${reason}`, error);
  }
}

function invalidLine(lineNumber: number, reason: string, cause?: unknown): OdradekError {
  const message = `line ${lineNumber} cannot be sent: ${reason}; the lines before it are sent`;
  return new OdradekError('INVALID_LINE', message, { cause, details: { line: lineNumber } });
}
