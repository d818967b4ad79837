import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { clientErrorCatalogue } from '../../../client/index.ts';

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

/** Names of the options of an interface, as its source declares them. */
function optionsOf(path: string, name: string): string[] {
  const body = new RegExp(`export interface ${name}\\b.*?\\{(.*?)\\n\\}`, 's').exec(
    read(path),
  )![1]!;
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option!);
}

describe('docs/client.md', () => {
  const text = read('docs/client.md');

  it('lists the error codes of the SDK as they are', () => {
    for (const [code, { retriable, message }] of Object.entries(clientErrorCatalogue)) {
      expect(text).to.include(`| \`${code}\` | ${retriable ? 'yes' : 'no'} | ${message} |\n`);
    }
  });

  for (const [path, name] of [
    ['client/producer/producer.ts', 'ProducerOptions'],
    ['client/consumer/consumer.ts', 'ConsumerOptions'],
  ] as const) {
    it(`names every option of ${name}`, () => {
      const options = optionsOf(path, name);
      expect(options.length).to.be.above(8);
      const missing = options.filter((option) => !text.includes(`\`${option}\``));
      expect(missing).to.deep.equal([]);
    });
  }
});
