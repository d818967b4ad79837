import { expect } from 'chai';
import fc from 'fast-check';
import { brokerId, controllerEpoch, OdradekError, type TopicId } from '../../../../common/index.ts';
import {
  brokerRegistrationZnode,
  clusterIdZnode,
  controllerEpochZnode,
  controllerZnode,
  generateTopicId,
  type OdradekEndpoints,
  partitionStateZnode,
  producerIdBlockZnode,
  topicConfigZnode,
  topicZnode,
} from '../../../../coordinator/znodes/index.ts';
import { SimRandom } from '../../../simulation/kernel/index.ts';

const json = (data: Buffer): unknown => JSON.parse(data.toString('utf8'));

/** Every decoder, with the path that its errors must name. */
const decoders: Readonly<Record<string, (data: Buffer) => unknown>> = {
  '/brokers/ids/1': (data) => brokerRegistrationZnode.decode('/brokers/ids/1', data),
  '/controller': (data) => controllerZnode.decode(data),
  '/controller_epoch': (data) => controllerEpochZnode.decode(data),
  '/latest_producer_id_block': (data) => producerIdBlockZnode.decode(data),
  '/cluster/id': (data) => clusterIdZnode.decode(data),
  '/brokers/topics/t': (data) => topicZnode.decode('t', data),
  '/brokers/topics/t/partitions/0/state': (data) =>
    partitionStateZnode.decode('/brokers/topics/t/partitions/0/state', data),
  '/config/topics/t': (data) => topicConfigZnode.decode('t', data),
};

describe('Znodes', () => {
  it('write a registration that a Kafka 3.9 broker can read, with our endpoints beside it', () => {
    const registration = {
      odradek: {
        native: [{ host: '10.0.0.1', port: 9192 }],
        admin: [{ host: '::1', port: 9292 }],
        directoryId: 'abc',
      },
      kafkaEndpoints: [],
      securityProtocols: {},
      rack: 'r1',
      registeredMs: 1_700_000_000_000,
    };
    const data = brokerRegistrationZnode.encode(registration);
    expect(json(data)).to.deep.equal({
      version: 5,
      host: null,
      port: -1,
      jmx_port: -1,
      timestamp: '1700000000000',
      endpoints: [],
      listener_security_protocol_map: {},
      features: {},
      rack: 'r1',
      odradek: { native: ['10.0.0.1:9192'], admin: ['[::1]:9292'], directory: 'abc' },
    });
    expect(brokerRegistrationZnode.decode('/brokers/ids/1', data)).to.deep.equal(registration);
  });

  it('tell the first plaintext endpoint of a Kafka listener as host and port', () => {
    const data = brokerRegistrationZnode.encode({
      odradek: undefined,
      kafkaEndpoints: ['SSL://a:1', 'PLAINTEXT://b:9092'],
      securityProtocols: { SSL: 'SSL', PLAINTEXT: 'PLAINTEXT' },
      rack: undefined,
      registeredMs: 0,
    });
    expect(json(data)).to.include({ host: 'b', port: 9092 });
  });

  it('read a registration of Apache Kafka as one without our endpoints', () => {
    const data = Buffer.from(
      '{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":' +
        '["PLAINTEXT://h:9092"],"jmx_port":-1,"port":9092,"host":"h","version":5,"timestamp":"1"}',
    );
    const registration = brokerRegistrationZnode.decode('/brokers/ids/7', data);
    expect(registration.odradek).to.equal(undefined);
    expect(registration.kafkaEndpoints).to.deep.equal(['PLAINTEXT://h:9092']);
  });

  it('write topics as Kafka does, and read those without an id', () => {
    const assignment = {
      topicId: 'Zm9vYmFyYmF6cXV4cXV1eA' as TopicId,
      replicas: [[1, 2], [2]],
      addingReplicas: {},
      removingReplicas: {},
    };
    expect(json(topicZnode.encode(assignment))).to.deep.equal({
      version: 3,
      topic_id: 'Zm9vYmFyYmF6cXV4cXV1eA',
      partitions: { 0: [1, 2], 1: [2] },
      adding_replicas: {},
      removing_replicas: {},
    });
    expect(topicZnode.decode('t', topicZnode.encode(assignment))).to.deep.equal(assignment);
    const old = topicZnode.decode('t', Buffer.from('{"version":1,"partitions":{"0":[3]}}'));
    expect(old).to.deep.equal({ ...assignment, topicId: undefined, replicas: [[3]] });
  });

  it('carry who is eligible to lead beside what Kafka reads', () => {
    const path = '/brokers/topics/t/partitions/0/state';
    const state = {
      leader: 1,
      leaderEpoch: 5,
      isr: [1],
      controllerEpoch: 3,
      elr: [{ id: 2, brokerEpoch: 77 }],
      isrEpochs: [{ id: 1, brokerEpoch: 4_294_967_358 }],
      others: {},
    };
    const data = partitionStateZnode.encode(state);
    expect(json(data)).to.deep.equal({
      controller_epoch: 3,
      leader: 1,
      version: 1,
      leader_epoch: 5,
      isr: [1],
      odradek_elr: [{ id: 2, brokerEpoch: 77 }],
      odradek_isr_epochs: [{ id: 1, brokerEpoch: 4_294_967_358 }],
    });
    expect(partitionStateZnode.decode(path, data)).to.deep.equal(state);
  });

  it('keep members of a state that a newer release has written', () => {
    const path = '/brokers/topics/t/partitions/0/state';
    const data = Buffer.from(
      '{"controller_epoch":3,"leader":1,"version":1,"leader_epoch":5,"isr":[1,2],' +
        '"odradek_next":[]}',
    );
    const state = partitionStateZnode.decode(path, data);
    expect(state.others).to.deep.equal({ odradek_next: [] });
    expect(json(partitionStateZnode.encode(state))).to.deep.equal(json(data));
  });

  it('say of a broker whether some of its replicas may be offline, and not where none are', () => {
    const endpoints = {
      native: [{ host: 'h', port: 1 }],
      admin: [],
      directoryId: undefined,
    };
    const written = (odradek: OdradekEndpoints) =>
      brokerRegistrationZnode.encode({
        odradek,
        kafkaEndpoints: [],
        securityProtocols: {},
        rack: undefined,
        registeredMs: 1,
      });
    expect(json(written(endpoints))).not.to.have.nested.property('odradek.offlineReplicas');
    const some = written({ ...endpoints, offlineReplicas: true });
    expect(json(some)).to.have.nested.property('odradek.offlineReplicas', true);
    const read = brokerRegistrationZnode.decode('/brokers/ids/1', some);
    expect(read.odradek?.offlineReplicas).to.equal(true);
  });

  it('keep what Kafka cannot say of a move under a key of ours, and only while there is one', () => {
    const topic = {
      topicId: 'Zm9vYmFyYmF6cXV4cXV1eA' as TopicId,
      replicas: [[3, 4, 2, 1]],
      addingReplicas: { 0: [4] },
      removingReplicas: { 0: [1] },
      originalReplicas: { 0: [1, 2, 3] },
      throttles: { 0: 1_000_000 },
    };
    const data = topicZnode.encode(topic);
    expect(json(data)).to.deep.include({
      partitions: { 0: [3, 4, 2, 1] },
      odradek: { originalReplicas: { 0: [1, 2, 3] }, throttles: { 0: 1_000_000 } },
    });
    expect(topicZnode.decode('t', data)).to.deep.equal(topic);
    const done = { ...topic, originalReplicas: {}, throttles: {} };
    expect(json(topicZnode.encode(done))).not.to.have.property('odradek');
    for (const throttles of [{ 0: 0 }, { 0: 'fast' }, 5]) {
      const damaged = Buffer.from(
        JSON.stringify({ version: 3, partitions: { 0: [1] }, odradek: { throttles } }),
      );
      expect(() => topicZnode.decode('t', damaged)).to.throw(/"odradek.throttles/);
    }
  });

  it('say of a state that its leader is recovering as Kafka 3.9 does: with a 1, or not at all', () => {
    const path = '/brokers/topics/t/partitions/0/state';
    const recovered = { controller_epoch: 3, leader: 1, version: 1, leader_epoch: 5, isr: [1] };
    const read = (recovery: object) =>
      partitionStateZnode.decode(path, Buffer.from(JSON.stringify({ ...recovered, ...recovery })));
    const recovering = read({ leader_recovery_state: 1 });
    expect(recovering).to.deep.include({ recovering: true, others: {} });
    expect(json(partitionStateZnode.encode(recovering))).to.deep.equal({
      ...recovered,
      leader_recovery_state: 1,
    });
    for (const state of [read({}), read({ leader_recovery_state: 0 })]) {
      expect(state).not.to.have.property('recovering');
      expect(json(partitionStateZnode.encode(state))).to.deep.equal(recovered);
    }
    expect(() => read({ leader_recovery_state: 2 })).to.throw(
      /"leader_recovery_state" must be one/,
    );
  });

  it('write the small ones as Kafka does', () => {
    const node = { brokerId: brokerId(1), electedMs: 5, kraftControllerEpoch: -1 };
    expect(json(controllerZnode.encode(node))).to.deep.equal({
      version: 2,
      brokerid: 1,
      timestamp: '5',
      kraftControllerEpoch: -1,
    });
    expect(controllerEpochZnode.encode(controllerEpoch(7)).toString()).to.equal('7');
    expect(json(clusterIdZnode.encode('abc'))).to.deep.equal({ version: '1', id: 'abc' });
    expect(json(topicConfigZnode.encode(new Map([['a', 'b']])))).to.deep.equal({
      version: 1,
      config: { a: 'b' },
    });
  });

  it('make topic ids that never start with a hyphen and are all different', () => {
    const random = new SimRandom(1, 'ids');
    const ids = Array.from({ length: 5_000 }, () => generateTopicId(random));
    expect(new Set(ids)).to.have.lengthOf(ids.length);
    for (const id of ids) expect(id).to.match(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  });

  for (const [path, decode] of Object.entries(decoders)) {
    it(`name "${path}" when garbage stands there, and never crash`, () => {
      const known = ['version', 'partitions', 'isr', 'leader', 'leader_epoch', 'controller_epoch'];
      const others = ['config', 'brokerid', 'id', 'endpoints', 'odradek', 'topic_id', 'rack'];
      const arbitrary = fc.oneof(
        fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
        fc.json().map((text) => Buffer.from(text)),
        fc
          .dictionary(fc.constantFrom(...known, ...others), fc.jsonValue())
          .map((value) => Buffer.from(JSON.stringify(value))),
      );
      fc.assert(
        fc.property(arbitrary, (data) => {
          try {
            decode(data);
          } catch (error) {
            expect(error).to.be.instanceOf(OdradekError);
            expect(error).to.have.property('code', 'ZNODE_DAMAGED');
            expect((error as Error).message).to.include(`"${path}"`);
          }
        }),
      );
    });
  }

  it('say what is wrong, and where', () => {
    const wrong: readonly [string, string, string][] = [
      [
        '/brokers/topics/t',
        '{"version":3,"partitions":{"0":[1],"2":[1]}}',
        '"partitions.1" is missing',
      ],
      ['/brokers/topics/t', '{"version":3,"partitions":{"0":[]}}', 'partition 0 has no replicas'],
      [
        '/brokers/topics/t',
        '{"version":9,"partitions":{}}',
        '"version" must be one of 1, 2, 3, is 9',
      ],
      [
        '/brokers/ids/1',
        '{"version":5,"endpoints":[],"odradek":{"native":["x"]}}',
        '"x" is no host:port',
      ],
      ['/controller_epoch', '-3', '"-3" is no controller epoch'],
      ['/config/topics/t', '{"version":1,"config":{"a":1}}', '"config.a" must be a string, is 1'],
    ];
    for (const [path, data, problem] of wrong) {
      expect(() => decoders[path]?.(Buffer.from(data))).to.throw(problem);
    }
  });
});
