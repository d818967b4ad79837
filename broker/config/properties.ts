/**
 * Kafka's `.properties` files, as much of the format as such files use: comments with # or !,
 * `key=value` or `key: value`, backslash at the end of a line, the escapes \t \n \r \f \\ \uXXXX.
 */

import { ConfigError } from './definition.ts';

/**
 * @returns values by key, in the order of the file.
 * @throws {ConfigError} for a key that stands twice: the reader could not know which one holds.
 */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const { key, value } = splitLine(line);
    if (key === '') continue;
    if (properties.has(key))
      throw new ConfigError(`The key "${key}" stands twice in the file`, { key });
    properties.set(key, value);
  }
  return properties;
}

/** One `key=value` a line, escaped so that `parseProperties` gives the same back. */
export function formatProperties(properties: Iterable<readonly [string, string]>): string {
  let text = '';
  for (const [key, value] of properties) {
    text += `${escaped(key).replace(/[=: ]/g, '\\$&')}=${escaped(value).replace(/^ /, '\\ ')}\n`;
  }
  return text;
}

function* logicalLines(text: string): Generator<string> {
  let joined = '';
  for (const line of text.split(/\r\n|\r|\n/)) {
    const content = line.trimStart();
    if (joined === '' && (content === '' || content.startsWith('#') || content.startsWith('!'))) {
      continue;
    }
    const trailing = /\\*$/.exec(content)?.[0].length ?? 0;
    if (trailing % 2 === 1) {
      joined += content.slice(0, -1);
      continue;
    }
    yield joined + content;
    joined = '';
  }
  if (joined !== '') yield joined;
}

function splitLine(line: string): { readonly key: string; readonly value: string } {
  const match = /^((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)$/s.exec(line);
  return { key: unescaped(match?.[1] ?? ''), value: unescaped(match?.[2] ?? '').trimEnd() };
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_whole, hex?: string, single?: string) =>
    hex === undefined
      ? (escapes[single ?? ''] ?? single ?? '')
      : String.fromCharCode(parseInt(hex, 16)),
  );
}

function escaped(text: string): string {
  return text
    .replace(/\\/g, '\\\\')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')
    .replace(/\f/g, '\\f')
    .replace(/^[#!]/, '\\$&');
}
