import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { checkHistory, unknownOutcomeNames } from '../../checker/index.ts';
import { parseLine } from '../../checker/parseLine.ts';
import { anomalyTable } from '../../harness/docs/anomalyTable.ts';
import { generatedSection } from '../../harness/docs/generatedSection.ts';

describe('docs/checker.md', () => {
  const text = readFileSync(new URL('../../../docs/checker.md', import.meta.url), 'utf8');

  it('says what the catalogue of anomalies says (UPDATE=1 rewrites it)', () => {
    const expected = anomalyTable();
    expect(generatedSection('checker.md', expected)).to.equal(expected);
  });

  it('shows histories that are judged as it says', () => {
    const blocks = [...text.matchAll(/```jsonl\n([\s\S]*?)```/g)].map(([, block]) => block!);
    const found = blocks.map((block) => {
      const lines = block.trimEnd().split('\n');
      return checkHistory(lines.map((line, n) => parseLine(line, n + 1))).anomalies;
    });
    expect(found).to.have.length(3);
    expect(found[0]).to.deep.equal([]);
    expect(found[1]).to.deep.equal([]);
    expect(text).to.contain(JSON.stringify({ anomalies: found[2] }));
    expect(found[2]).to.have.length(1);
  });

  it('names every error that leaves the outcome open beside those of the error catalogue', () => {
    const section = /## Unknown outcomes\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '';
    const catalogued = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const missing = [...unknownOutcomeNames].filter(
      (name) => !section.includes(`\`${name}\``) && !catalogued.includes(` ${name} `),
    );
    expect(missing).to.deep.equal([]);
  });
});
