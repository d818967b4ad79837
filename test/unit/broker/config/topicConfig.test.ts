import { expect } from 'chai';
import { parseBrokerConfig } from '../../../../broker/config/brokerConfig.ts';
import {
  describeTopicConfig,
  effectiveTopicConfig,
  validateTopicConfigs,
} from '../../../../broker/config/topicConfig.ts';

const { topicDefaults } = parseBrokerConfig(
  'broker.id=1\nlog.dirs=/d\nzookeeper.connect=h:1\nlog.segment.bytes=1048576',
);

describe('The configuration of a topic', () => {
  it('takes the broker’s default where the topic sets nothing', () => {
    const config = effectiveTopicConfig(topicDefaults, { 'retention.ms': '1000' });
    expect(config.segmentBytes).to.equal(1_048_576);
    expect(config.retentionMs).to.equal(1000);
  });

  it('refuses an unknown setting by name', () => {
    expect(() => validateTopicConfigs({ 'retention.days': '3' })).to.throw('"retention.days"');
  });

  it('refuses a value outside of the range, naming both', () => {
    expect(() => validateTopicConfigs({ 'segment.bytes': '13' })).to.throw(
      'Invalid value "13" of "segment.bytes": it must be 14 and above',
    );
  });

  it('takes lists of throttled replicas in the form of Kafka, and no other', () => {
    const name = 'leader.replication.throttled.replicas';
    const listOf = (text: string) =>
      effectiveTopicConfig(topicDefaults, { [name]: text }).leaderThrottledReplicas;
    expect(topicDefaults.leaderThrottledReplicas).to.deep.equal([]);
    expect(listOf('*')).to.deep.equal(['*']);
    expect(listOf('0:1, 1:2,')).to.deep.equal(['0:1', '1:2']);
    expect(listOf('')).to.deep.equal([]);
    for (const text of ['0', '0:', '*,0:1', '0-1', 'a:b', '0:1:2']) {
      expect(() => validateTopicConfigs({ [name]: text }), text).to.throw(`"${name}"`);
    }
  });

  it('takes either clean-up policy, or both, and nothing else', () => {
    const policy = (value: string) =>
      effectiveTopicConfig(topicDefaults, { 'cleanup.policy': value }).cleanupPolicy;
    expect(topicDefaults.cleanupPolicy).to.deep.equal(['delete']);
    expect(policy('compact')).to.deep.equal(['compact']);
    expect(policy('compact, delete')).to.deep.equal(['compact', 'delete']);
    for (const wrong of ['', 'compact,compact', 'shrink', 'delete,']) {
      expect(() => validateTopicConfigs({ 'cleanup.policy': wrong }), wrong).to.throw(
        `Invalid value "${wrong}" of "cleanup.policy": it must be one or more of compact, delete`,
      );
    }
  });

  it('takes a share as a decimal number from 0 to 1', () => {
    const name = 'min.cleanable.dirty.ratio';
    const config = effectiveTopicConfig(topicDefaults, { [name]: '0.01' });
    expect(config.minCleanableDirtyRatio).to.equal(0.01);
    expect(() => validateTopicConfigs({ [name]: '1.5' })).to.throw('it must be 0 to 1');
    expect(() => validateTopicConfigs({ [name]: 'half' })).to.throw('it must be a number, 0 to 1');
  });

  it('keeps a topic readable whose stored settings another release wrote', () => {
    const ignored: string[] = [];
    const config = effectiveTopicConfig(
      topicDefaults,
      { 'from.the.future': '1', 'segment.ms': 'soon' },
      (name) => ignored.push(name),
    );
    expect(ignored).to.deep.equal(['from.the.future', 'segment.ms']);
    expect(config).to.deep.equal(topicDefaults);
  });

  it('tells of each setting its value and whether the topic set it', () => {
    const described = [...describeTopicConfig(topicDefaults, { 'retention.bytes': '5' })];
    const own = described.filter((entry) => entry.overridden);
    expect(own.map(({ definition, value }) => [definition.name, value])).to.deep.equal([
      ['retention.bytes', '5'],
    ]);
    expect(described).to.have.length(25);
  });
});
