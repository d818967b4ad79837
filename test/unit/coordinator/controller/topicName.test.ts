import { expect } from 'chai';
import { collisionKey, topicNameProblem } from '../../../../coordinator/controller/topicName.ts';

describe('Topic names', () => {
  it('are taken and refused as by Kafka', () => {
    for (const good of ['a', 'A-b_c.1', '__consumer_offsets', '...', 'x'.repeat(249)]) {
      expect(topicNameProblem(good), good).to.equal(undefined);
    }
    for (const bad of ['', '.', '..', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(250), 'a:b']) {
      expect(topicNameProblem(bad), bad).to.be.a('string');
    }
  });

  it('collide when they differ only in dots and underscores', () => {
    expect(collisionKey('a.b_c')).to.equal(collisionKey('a_b.c'));
    expect(collisionKey('a.b')).to.not.equal(collisionKey('a-b'));
  });
});
