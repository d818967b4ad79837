import { expect } from 'chai';
import { anomalyCatalogue } from '../../checker/index.ts';
import { badHistories } from './support/badHistories.ts';

describe('a bad history', () => {
  for (const { kind, about, story, also = [], at } of badHistories) {
    it(`is found: ${kind}, where ${about}`, () => {
      const { anomalies } = story.report();
      expect(story.kinds()).to.deep.equal([kind, ...also].toSorted());
      const found = anomalies.find((anomaly) => anomaly.kind === kind);
      expect(found?.at).to.deep.include(at);
    });
  }

  it('is there for each kind of anomaly that a history can show', () => {
    const shown = new Set<string>(badHistories.map(({ kind }) => kind));
    const missing = Object.keys(anomalyCatalogue).filter((kind) => !shown.has(kind));
    expect(missing).to.deep.equal(['replica-divergence']);
  });
});
