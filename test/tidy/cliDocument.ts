/** Makes docs/cli.md from the commands themselves, so that it cannot say anything else. */

import type { Command, Option } from 'commander';

/** Everything of docs/cli.md below its hand-written part. */
export function describeCommands(program: Command): string {
  return leaves(program)
    .map(({ path, command }) => describeCommand(path, command))
    .join('\n');
}

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

function leaves(command: Command, above = ''): readonly Leaf[] {
  const path = `${above}${command.name()}`;
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leaves(child, `${path} `));
}

function describeCommand(path: string, command: Command): string {
  const args = command.registeredArguments.map((it) =>
    it.required ? `<${it.name()}>` : `[${it.name()}]`,
  );
  const lines = [`### ${[path, ...args].join(' ')}`, '', command.description(), ''];
  for (const argument of command.registeredArguments) {
    lines.push(`- \`<${argument.name()}>\`: ${argument.description}`);
  }
  if (command.registeredArguments.length > 0) lines.push('');
  if (command.options.length > 0) {
    lines.push('| flag | what it does | default |', '|---|---|---|');
    for (const option of command.options) lines.push(describeOption(option));
    lines.push('');
  }
  return lines.join('\n');
}

function describeOption(option: Option): string {
  const cells = [`\`${option.flags}\``, option.description, defaultOf(option)];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf({ defaultValue, mandatory }: Option): string {
  if (mandatory && defaultValue === undefined) return 'required';
  if (defaultValue === undefined) return '';
  if (typeof defaultValue !== 'object' || defaultValue === null) return `\`${defaultValue}\``;
  const { host, port } = defaultValue as { readonly host: string; readonly port: number };
  return `\`${host}:${port}\``;
}

/** Lines within code blocks that call the command. */
export function commandLines(markdown: string): readonly string[] {
  return [...markdown.matchAll(/```\w*\n([\s\S]*?)```/g)]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => /^\s*(?:npx )?(odradek .*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined);
}

/** @returns what the command does not know, or undefined. */
export function commandLineFault(program: Command, line: string): string | undefined {
  const words = line
    .replace(/\s[#<>|].*$/, '')
    .split(/\s+/)
    .slice(1);
  let command = program;
  for (const word of words) {
    const child = command.commands.find((it) => it.name() === word);
    if (child === undefined) break;
    command = child;
  }
  if (command.commands.length > 0) return `no such command below ${command.name()}`;
  const unknown = words
    .filter((word) => word.startsWith('--'))
    .find((word) => !command.options.some(({ long }) => long === word));
  return unknown === undefined ? undefined : `${command.name()} has no ${unknown}`;
}
