/**
 * Transcripts of the command line, as a person at a terminal would see them:
 *
 *     # prose
 *     $ odradek produce a --key-separator :
 *     < key:value                 a line of stdin
 *     output on stdout
 *     ! output on stderr
 *     exit 1                      where the exit code is not 0
 *
 * An empty line ends a command. What differs from run to run is written as `<id>`, `<time>`, `<address>`; an
 * empty line of output as `<empty line>`.
 */

import type { CommandResult } from '../harness/odradek.ts';

export interface Step {
  /** Prose and empty lines before the command. */
  readonly before: readonly string[];
  readonly args: readonly string[];
  /** As written, without `$ `. */
  readonly command: string;
  readonly input: readonly string[];
}

export interface Transcript {
  readonly steps: readonly Step[];
  /** What follows the last command. */
  readonly after: readonly string[];
}

export function parseTranscript(text: string): Transcript {
  const steps: Step[] = [];
  let before: string[] = [];
  let input: string[] | undefined;
  for (const line of text.replace(/\n$/, '').split('\n')) {
    if (line.startsWith('$ ')) {
      input = [];
      const command = line.slice(2);
      steps.push({ before, command, args: splitWords(command).slice(1), input });
      before = [];
    } else if (line === '' || line.startsWith('#')) {
      input = undefined;
      before.push(line);
    } else if (input !== undefined && line.startsWith('< ')) {
      input.push(line.slice(2));
    }
  }
  return { steps, after: before };
}

/** The step as it stands in the file, with what it printed now. */
export function renderStep(step: Step, { code, stdout, stderr }: CommandResult): string {
  const lines = [
    ...step.before,
    `$ ${step.command}`,
    ...step.input.map((line) => `< ${line}`),
    ...linesOf(stdout),
    ...linesOf(stderr).map((line) => `! ${line}`),
    ...(code === 0 ? [] : [`exit ${code}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function linesOf(output: string): readonly string[] {
  const normal = output
    .replace(/\b(127\.0\.0\.1|localhost):\d+/g, '<address>')
    .replace(/\b1[789]\d{11}\b/g, '<time>')
    .replace(/(?<=\bid |"topicId":"|cluster )[\w-]{22}(?![\w-])/g, '<id>')
    .replace(/^(.* )[\w-]{22}$/gm, '$1<id>');
  if (normal === '') return [];
  const lines = normal.replace(/\n$/, '').split('\n');
  return lines.map((line) => (line === '' ? '<empty line>' : line));
}

/** Words of a command line; single quotes keep spaces. */
function splitWords(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
}
