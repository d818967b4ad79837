/** Values of flags, checked where they stand on the command line. */

import { UsageError } from './usageError.ts';

/** @returns a parser for a whole number within [min, max]. */
export function wholeNumber(
  flag: string,
  range: { readonly min: number; readonly max?: number },
): (text: string) => number {
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  const wanted = range.max === undefined ? `from ${min}` : `from ${min} to ${max}`;
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw new UsageError(`${flag} takes a whole number ${wanted}, not "${text}"`);
  };
}

/** Collects `k=v` of a flag that may be given several times. */
export function property(
  flag: string,
): (text: string, previous?: ReadonlyMap<string, string>) => ReadonlyMap<string, string> {
  return (text, previous = new Map()) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`${flag} takes name=value, not "${text}"`);
    return new Map([...previous, [text.slice(0, at), text.slice(at + 1)]]);
  };
}

/** @returns a parser for one of a few words. */
export function oneOf<const Words extends readonly string[]>(
  flag: string,
  words: Words,
): (text: string) => Words[number] {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new UsageError(`${flag} takes one of ${words.join(', ')}, not "${text}"`);
  };
}

/** @returns a parser for broker ids: `1,2,3`, each once. */
export function brokerIds(flag: string): (text: string) => readonly number[] {
  return (text) => {
    const ids = text.split(',').map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN));
    const isList = ids.every(Number.isSafeInteger) && new Set(ids).size === ids.length;
    if (isList) return ids;
    throw new UsageError(`${flag} takes broker ids such as 1,2,3, each once, not "${text}"`);
  };
}

/** Splits `host:port,host:port`; a port that is missing is 9192. */
export function brokerAddresses(text: string): readonly string[] {
  const addresses = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => (/:\d+$/.test(entry) ? entry : `${entry}:9192`));
  if (addresses.length > 0) return addresses;
  throw new UsageError(`--brokers takes host:port,host:port, not "${text}"`);
}
