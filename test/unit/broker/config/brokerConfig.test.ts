import { expect } from 'chai';
import {
  brokerConfigDefinitions,
  describeBrokerConfig,
  parseBrokerConfig,
} from '../../../../broker/config/brokerConfig.ts';
import { ConfigError } from '../../../../broker/config/definition.ts';

const minimal = 'broker.id=1\nlog.dirs=/data\nzookeeper.connect=127.0.0.1:2181\n';

function refusalOf(text: string): ConfigError {
  try {
    parseBrokerConfig(text);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted');
}

describe('The configuration of a broker', () => {
  it('takes Kafka’s names and fills in the defaults', () => {
    const config = parseBrokerConfig(minimal);
    expect(config.brokerId).to.equal(1);
    expect(config.logDirs).to.deep.equal(['/data']);
    expect(config.nativeListener).to.deep.equal({ host: '127.0.0.1', port: 9192 });
    expect(config.adminListener).to.deep.equal({ host: '127.0.0.1', port: 9292 });
    expect(config.zookeeperSessionTimeoutMs).to.equal(18_000);
    expect(config.topicDefaults.segmentBytes).to.equal(2 ** 30);
  });

  it('syncs before it acknowledges unless told otherwise', () => {
    expect(parseBrokerConfig(minimal).topicDefaults.flushMessages).to.equal(1);
    const relaxed = parseBrokerConfig(`${minimal}log.flush.interval.messages=9223372036854775807`);
    expect(relaxed.topicDefaults.flushMessages).to.equal(Number.MAX_SAFE_INTEGER);
  });

  for (const key of ['broker.id', 'log.dirs', 'zookeeper.connect']) {
    it(`demands ${key} by name`, () => {
      const without = minimal.split('\n').filter((line) => !line.startsWith(key));
      expect(refusalOf(without.join('\n')).message).to.include(`"${key}"`);
    });
  }

  it('takes log.dir where there is no log.dirs', () => {
    const config = parseBrokerConfig('broker.id=1\nlog.dir=/one\nzookeeper.connect=h:1');
    expect(config.logDirs).to.deep.equal(['/one']);
  });

  it('refuses less memory for requests than two of the largest take', () => {
    const text = `${minimal}\nsocket.request.max.bytes=20000000\nqueued.max.request.bytes=39999999`;
    expect(() => parseBrokerConfig(text)).to.throw(ConfigError, /"queued\.max\.request\.bytes"/);
    expect(parseBrokerConfig(text.replace('39999999', '40000000')).queuedMaxRequestBytes).to.equal(
      40_000_000,
    );
  });

  it('refuses a directory that is named twice', () => {
    const text = minimal.replace('/data', '/a,/b,/a');
    expect(refusalOf(text).message).to.include('"/a" twice');
  });

  for (const definition of brokerConfigDefinitions) {
    if (definition.type.name === 'string' && definition.type.range === 'any text') continue;
    it(`refuses a bad value of ${definition.name} by name`, () => {
      const bad = { list: 'a,,b', boolean: 'perhaps', int: '1.5', long: 'x', string: 'neither' };
      const text = [
        ...minimal.split('\n').filter((line) => !line.startsWith(`${definition.name}=`)),
        `${definition.name}=${bad[definition.type.name as keyof typeof bad]}`,
      ].join('\n');
      expect(refusalOf(text).message).to.include(`"${definition.name}"`);
    });
  }

  it('reads Kafka listeners with the addresses that they advertise', () => {
    const { kafka } = parseBrokerConfig(
      `${minimal}listeners=PLAINTEXT://127.0.0.1:9092,inside://127.0.0.1:0\n` +
        'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT\n' +
        'advertised.listeners=INSIDE://broker.example:9094\ninter.broker.listener.name=INSIDE\n',
    );
    expect(kafka.listeners).to.deep.equal([
      { name: 'PLAINTEXT', listen: { host: '127.0.0.1', port: 9092 }, advertised: undefined },
      {
        name: 'INSIDE',
        listen: { host: '127.0.0.1', port: 0 },
        advertised: { host: 'broker.example', port: 9094 },
      },
    ]);
    expect(parseBrokerConfig(minimal).kafka.listeners).to.deep.equal([]);
  });

  for (const [lines, part] of [
    ['listeners=127.0.0.1:9092', 'NAME://host:port'],
    ['listeners=A://127.0.0.1:1', 'listener.security.protocol.map'],
    ['listeners=PLAINTEXT://127.0.0.1:1,PLAINTEXT://127.0.0.1:2', 'twice'],
    ['listeners=PLAINTEXT://:9092', 'allow.unauthenticated.listeners'],
    ['listener.security.protocol.map=PLAINTEXT:SSL', 'TLS'],
    ['advertised.listeners=PLAINTEXT://127.0.0.1:1', 'none of "listeners"'],
    ['inter.broker.listener.name=X', 'none of "listeners"'],
  ] as const) {
    it(`refuses "${lines}"`, () => {
      expect(refusalOf(`${minimal}${lines}`).message).to.include(part);
    });
  }

  it('refuses a listener beyond loopback unless that is allowed in so many words', () => {
    const open = `${minimal}native.listeners=0.0.0.0:9192\n`;
    expect(refusalOf(open).message).to.include('allow.unauthenticated.listeners');
    const config = parseBrokerConfig(`${open}allow.unauthenticated.listeners=true`);
    expect(config.nativeListener.host).to.equal('0.0.0.0');
  });

  it('takes IPv6 addresses in brackets', () => {
    const config = parseBrokerConfig(`${minimal}native.listeners=[::1]:0`);
    expect(config.nativeListener).to.deep.equal({ host: '::1', port: 0 });
  });

  it('has no admin endpoint where none is wanted', () => {
    expect(parseBrokerConfig(`${minimal}admin.listeners=none`).adminListener).to.equal(undefined);
  });

  it('prefers milliseconds to minutes to hours, as Kafka does', () => {
    const retention = (lines: string): number =>
      parseBrokerConfig(`${minimal}${lines}`).topicDefaults.retentionMs;
    expect(retention('log.retention.hours=2')).to.equal(7_200_000);
    expect(retention('log.retention.hours=2\nlog.retention.minutes=3')).to.equal(180_000);
    expect(retention('log.retention.hours=2\nlog.retention.ms=5')).to.equal(5);
    expect(retention('log.retention.hours=-1')).to.equal(-1);
  });

  it('remembers unknown keys so that they can be logged', () => {
    expect(parseBrokerConfig(`${minimal}num.io.threads=8`).unknownKeys).to.deep.equal([
      'num.io.threads',
    ]);
  });

  it('tells of each setting whether the file gave it', () => {
    const described = [...describeBrokerConfig(parseBrokerConfig(minimal))];
    const given = described.filter((entry) => entry.given).map((entry) => entry.definition.name);
    expect(given).to.deep.equal(['broker.id', 'log.dirs', 'zookeeper.connect']);
  });
});
