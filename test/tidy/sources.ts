/** The files of this repository, and what they import: material for the rules in tidy.test.ts. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Without comments; strings stay. Line numbers are those of `text`. */
  readonly code: string;
}

export interface Import {
  readonly file: SourceFile;
  /** As written. */
  readonly specifier: string;
  /** Path from the root for a relative specifier, else undefined. */
  readonly target: string | undefined;
}

/** Files that git knows or would add. */
export function listFiles(): readonly string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const listed = execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8' });
  return [...new Set(listed.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(repositoryRoot, path)))
    .sort();
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(join(repositoryRoot, path), 'utf8');
  return { path, text, code: stripComments(text) };
}

/** First folder of a path; the file itself at the root. */
export function topFolder(path: string): string {
  return path.split('/')[0] ?? path;
}

const importPattern =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|new URL\(\s*)(['"])([^'"\n]+)\1/g;

/** A file that a test starts as a process, or loads by its name. */
const fileNamePattern = /(?<!from\s*)(['"])((?:\.{0,2}\/)?[\w./-]+\.ts)\1/g;

/** Static, dynamic and type imports, re-exports, and modules named by `new URL(...)`. */
export function importsOf(file: SourceFile): readonly Import[] {
  return [...file.code.matchAll(importPattern)].map(([, , specifier = '']) => ({
    file,
    specifier,
    target: specifier.startsWith('.')
      ? normalize(join(dirname(file.path), specifier)).replace(/\/$/, '')
      : undefined,
  }));
}

/** Files beside or below this one whose names stand in its strings. */
export function namedFiles(file: SourceFile): readonly string[] {
  return [...file.code.matchAll(fileNamePattern)].flatMap(([, , name = '']) => [
    normalize(join(dirname(file.path), name)),
    normalize(join(dirname(file.path), 'fixtures', name)),
  ]);
}

/**
 * Blanks comments and leaves strings, templates and regular expressions as they are. Good enough
 * for formatted code: a slash begins a regular expression where an operand may stand.
 */
export function stripComments(text: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[=(,:[!&|?{};\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;
  return text.replace(token, (found) =>
    found.startsWith('/*') || found.startsWith('//') ? found.replace(/[^\n]/g, ' ') : found,
  );
}

/** Blanks what stands in quotes too: for rules about names. */
export function stripStrings(code: string): string {
  return code.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, (found) =>
    found.replace(/[^\n]/g, ' '),
  );
}

/** `path:line` of the first match of every offending place. */
export function places(file: SourceFile, text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(new RegExp(pattern, 'g'))].map(
    ({ index }) => `${file.path}:${text.slice(0, index).split('\n').length}`,
  );
}
