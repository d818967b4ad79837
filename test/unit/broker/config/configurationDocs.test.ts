import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { brokerConfigDefinitions } from '../../../../broker/config/brokerConfig.ts';
import { type ConfigDefinition, formatConfigValue } from '../../../../broker/config/definition.ts';
import { topicConfigDefinitions } from '../../../../broker/config/topicConfig.ts';

const docs = new URL('../../../../docs/configuration.md', import.meta.url);
const HEADING = '## Settings of a broker\n';

describe('docs/configuration.md', () => {
  it('has every setting with its type, range, default and meaning, as the code has it', () => {
    const text = readFileSync(docs, 'utf8');
    const head = text.split(HEADING)[0] ?? '';
    const expected = `${head}${tables()}`;
    if (process.env['UPDATE'] === '1') writeFileSync(docs, expected);
    else expect(text, 'run the test with UPDATE=1 to rewrite the tables').to.equal(expected);
  });
});

function tables(): string {
  const broker = brokerConfigDefinitions.map((definition) => section(definition, []));
  const topic = topicConfigDefinitions.map((definition) =>
    section(
      definition,
      definition.brokerKey === undefined
        ? []
        : [`default key of the broker: \`${definition.brokerKey}\``],
    ),
  );
  const about =
    'Given at creation (`odradek topic create T --config name=value`) or later (`odradek topic alter`).';
  return `${HEADING}\n${broker.join('\n')}\n## Settings of a topic\n\n${about}\n\n${topic.join('\n')}`;
}

function section(definition: ConfigDefinition, more: readonly string[]): string {
  const fallback =
    definition.defaultValue === undefined ? 'none' : `\`${shown(definition) || '(empty)'}\``;
  const facts = [
    `${definition.type.name}: ${definition.type.range}`,
    `default ${fallback}`,
    ...more,
  ];
  return `### ${definition.name}\n\n${definition.about}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`;
}

function shown({ defaultValue }: ConfigDefinition): string {
  if (defaultValue === undefined) return '';
  const isUnlimited = [Number.MAX_SAFE_INTEGER, Number.MAX_VALUE].some(
    (most) => most === defaultValue,
  );
  return isUnlimited ? 'no limit' : formatConfigValue(defaultValue);
}
