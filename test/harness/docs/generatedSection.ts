/** Documents whose tables come from a catalogue: between two markers, and compared by a test. */

import { readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '<!-- generated: begin -->';
const END = '<!-- generated: end -->';

/**
 * Reads the generated section of a document, after writing it anew where UPDATE=1 is set.
 *
 * @param name file name in `docs/`.
 * @throws where the document lacks the markers.
 */
export function generatedSection(name: string, generated: string): string {
  const file = new URL(`../../../docs/${name}`, import.meta.url);
  const text = readFileSync(file, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/${name} lacks the lines ${BEGIN} and ${END}`);
  const start = begin + BEGIN.length;
  if (process.env['UPDATE'] !== '1') return text.slice(start, end).trim();
  writeFileSync(file, `${text.slice(0, start)}\n\n${generated}\n\n${text.slice(end)}`);
  return generated;
}
