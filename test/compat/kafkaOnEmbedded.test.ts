/** Apache Kafka 3.9 itself, with the embedded coordinator for a ZooKeeper. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { type EmbeddedServer, startEmbedded } from '../harness/embedded.ts';
import { freePort } from '../harness/freePort.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';
import { waitFor } from '../harness/waitFor.ts';
import { abandonClients, TestClient } from '../harness/zookeeperClient.ts';

describe('Apache Kafka on the embedded coordinator', function suite() {
  this.timeout(120_000);
  let coordinator: EmbeddedServer;
  let directory: string;
  const processes: Child[] = [];

  beforeEach(async () => {
    directory = temporaryDirectory('kafka-on-embedded');
    coordinator = await startEmbedded({ tickMs: 500 });
  });
  afterEach(async () => {
    for (const child of processes.splice(0)) await child.kill9();
    abandonClients();
    await coordinator.stop();
    removeDirectory(directory);
  });

  function java(command: string, args: readonly string[]): Child {
    const libs = process.env['ODRADEK_KAFKA_LIBS'];
    if (libs === undefined) throw new Error('ODRADEK_KAFKA_LIBS names no directory of Kafka jars');
    const log4j = join(directory, 'log4j.properties');
    const appender = 'log4j.appender.out';
    writeFileSync(
      log4j,
      `log4j.rootLogger=INFO, out\n${appender}=org.apache.log4j.ConsoleAppender\n` +
        `${appender}.layout=org.apache.log4j.PatternLayout\n` +
        `${appender}.layout.ConversionPattern=%p %m%n\n`,
    );
    const options = ['-Xmx384M', '-XX:+UseSerialGC', `-Dlog4j.configuration=file:${log4j}`];
    const child = new Child('java', [...options, '-cp', join(libs, '*'), command, ...args]);
    processes.push(child);
    return child;
  }

  it('starts, makes a topic, and finds its registration kept over kill -9', async () => {
    const port = await freePort();
    const properties = join(directory, 'server.properties');
    writeFileSync(
      properties,
      [
        'broker.id=1',
        `listeners=PLAINTEXT://127.0.0.1:${port}`,
        `log.dirs=${join(directory, 'log')}`,
        `zookeeper.connect=${coordinator.address}`,
        'zookeeper.session.timeout.ms=10000',
        '',
      ].join('\n'),
    );
    const kafka = java('kafka.Kafka', [properties]);
    await kafka.waitForOutput(/started \(kafka\.server\.KafkaServer\)|\] started/, {
      timeoutMs: 60_000,
    });
    const zookeeper = await TestClient.connect(coordinator.address);
    const before = await zookeeper.exists('/brokers/ids/1');
    expect(before).not.to.equal(undefined);
    await coordinator.restart();
    const topic = ['--create', '--topic', 'flights', '--partitions', '3'];
    const server = ['--bootstrap-server', `127.0.0.1:${port}`];
    const command = java('org.apache.kafka.tools.TopicCommand', [...server, ...topic]);
    expect((await command.exited).code, command.stdout + command.stderr).to.equal(0);
    await zookeeper.waitForState('connected', 2);
    const states = '/brokers/topics/flights/partitions';
    await waitFor(async () => (await zookeeper.exists(`${states}/2/state`)) !== undefined, {
      what: 'the controller has written the state of the partitions',
    });
    expect((await zookeeper.exists('/brokers/ids/1'))?.czxid).to.equal(before?.czxid);
    const { data } = await zookeeper.getData(`${states}/0/state`);
    expect(JSON.parse(data.toString())).to.include({ leader: 1, leader_epoch: 0 });
    expect(kafka.exit).to.equal(undefined);
  });
});
