import { expect } from 'chai';
import {
  editDistance,
  nearestName,
  unknownTopicError,
} from '../../../../client/cluster/topicSuggestion.ts';

describe('The suggestion for a mistyped topic', () => {
  it('counts edits, a swap of neighbours as one', () => {
    expect(editDistance('kitten', 'sitting')).to.equal(3);
    expect(editDistance('orders', 'ordesr')).to.equal(1);
    expect(editDistance('', 'abc')).to.equal(3);
    expect(editDistance('same', 'same')).to.equal(0);
  });

  it('is the nearest name, whatever the case, and none where all are far', () => {
    expect(nearestName('Fligths', ['orders', 'flights', 'flight'])).to.equal('flights');
    expect(nearestName('x', ['orders', 'flights'])).to.equal(undefined);
    expect(nearestName('payments', ['orders', 'flights'])).to.equal(undefined);
  });

  it('stands in the error together with the command that creates the topic', () => {
    expect(unknownTopicError('flihgts', ['flights']).message).to.equal(
      'topic "flihgts" does not exist; did you mean "flights"? ' +
        'Otherwise create it with: odradek topic create flihgts',
    );
    const alone = unknownTopicError('q', undefined);
    expect(alone.message).to.equal(
      'topic "q" does not exist; create it with: odradek topic create q',
    );
    expect(alone).to.include({ code: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: false });
  });
});
