import { expect } from 'chai';
import {
  decodeEpochCheckpoint,
  decodeOffsetCheckpoint,
  encodeEpochCheckpoint,
  encodeOffsetCheckpoint,
} from '../../../../broker/log/checkpointFile.ts';
import { CheckpointWriter } from '../../../../broker/log/checkpointWriter.ts';
import {
  decodeCleanShutdown,
  encodeCleanShutdown,
} from '../../../../broker/log/cleanShutdownFile.ts';
import {
  deleteDirectoryName,
  isDeleteDirectory,
  parseLogFileName,
  parsePartitionDirectory,
} from '../../../../broker/log/logFileNames.ts';
import {
  decodeMetaProperties,
  decodePartitionMetadata,
  encodePartitionMetadata,
} from '../../../../broker/log/propertiesFile.ts';
import type { TopicId } from '../../../../common/index.ts';
import { ManualCompletion, SimFileSystem } from '../../../simulation/kernel/index.ts';

describe('checkpoint files', () => {
  const text = (content: string) => Buffer.from(content);

  it('are as Kafka writes them', () => {
    const content = encodeOffsetCheckpoint([
      { topicPartition: { topic: 'a-b', partition: 0 }, offset: 12 },
      { topicPartition: { topic: 'c', partition: 10 }, offset: 0 },
    ]);
    expect(content.toString()).to.equal('0\n2\na-b 0 12\nc 10 0\n');
    expect([...decodeOffsetCheckpoint('f', content)]).to.deep.equal([
      ['a-b-0', 12],
      ['c-10', 0],
    ]);
    const epochs = [
      { epoch: 0, startOffset: 0 },
      { epoch: 7, startOffset: 90 },
    ];
    expect(encodeEpochCheckpoint(epochs).toString()).to.equal('0\n2\n0 0\n7 90\n');
    expect(decodeEpochCheckpoint('f', encodeEpochCheckpoint(epochs))).to.deep.equal(epochs);
  });

  it('name file and line where they are corrupt', () => {
    const cases: [string, number][] = [
      ['', 1],
      ['1\n0\n', 1],
      ['0\n2\na 0 1\n', 2],
      ['0\n1\na 0\n', 3],
      ['0\n2\na 0 1\nb 0 -1\n', 4],
    ];
    for (const [content, line] of cases) {
      expect(() => decodeOffsetCheckpoint('/x/checkpoint', text(content)))
        .to.throw('/x/checkpoint')
        .with.nested.property('details.line', line);
    }
    expect(() => decodeEpochCheckpoint('f', text('0\n2\n3 5\n3 6\n'))).to.throw('line 4');
  });

  it('are written one after the other, the newest content last and no one in vain', async () => {
    const completion = new ManualCompletion();
    const fileSystem = new SimFileSystem({ directories: ['/d'], completion });
    let content = 'one';
    let writes = 0;
    const writer = new CheckpointWriter(fileSystem, '/d/f', () => {
      writes += 1;
      return Buffer.from(content);
    });
    const first = writer.write();
    content = 'two';
    const second = writer.write();
    const third = writer.write();
    content = 'three';
    await completion.completeAll();
    await Promise.all([first, second, third]);
    expect(fileSystem.readFileSync('/d/f').toString()).to.equal('three');
    expect(writes).to.equal(2);
  });
});

describe('the other small files', () => {
  it('keep the broker epoch of a clean stop; a file without one says so', () => {
    expect(decodeCleanShutdown(encodeCleanShutdown(77))).to.equal(77);
    expect(decodeCleanShutdown(encodeCleanShutdown(undefined))).to.equal(undefined);
    expect(decodeCleanShutdown(Buffer.alloc(0))).to.equal(undefined);
  });

  it('refuse the meta.properties of a KRaft broker', () => {
    const content = Buffer.from('version=1\nnode.id=1\ncluster.id=x\n');
    expect(() => decodeMetaProperties('/x/meta.properties', content)).to.throw('version "1"');
  });

  it('hold a topic id; one that a crash cut is none', () => {
    const content = encodePartitionMetadata('AAAAAAAAAAAAAAAAAAAAAQ' as TopicId);
    expect(decodePartitionMetadata(content)).to.equal('AAAAAAAAAAAAAAAAAAAAAQ');
    expect(decodePartitionMetadata(content.subarray(0, 20))).to.equal(undefined);
    expect(decodePartitionMetadata(Buffer.alloc(0))).to.equal(undefined);
  });
});

describe('names in a log directory', () => {
  it('tell partitions, also of topics with dashes and dots', () => {
    expect(parsePartitionDirectory('a-1.b-2')).to.deep.equal({ topic: 'a-1.b', partition: 2 });
    for (const name of ['a', 'a-', 'a-01', 'a-1.deadbeef-delete', '-1', 'ä-1', 'a-4294967296']) {
      expect(parsePartitionDirectory(name), name).to.equal(undefined);
    }
  });

  it('tell segments', () => {
    expect(parseLogFileName('00000000000000000042.log')).to.equal(42);
    for (const name of ['42.log', '00000000000000000042.index', '99999999999999999999.log']) {
      expect(parseLogFileName(name), name).to.equal(undefined);
    }
  });

  it('of deleted partitions fit a file system, however long the topic is', () => {
    const hex = '0123456789abcdef'.repeat(2);
    const name = deleteDirectoryName({ topic: 'x'.repeat(249), partition: 123 }, hex);
    expect(name.length).to.equal(255);
    expect(name).to.match(/^x+-123\.[0-9a-f]{32}-delete$/);
    expect(isDeleteDirectory(name)).to.equal(true);
    expect(isDeleteDirectory('a-delete')).to.equal(false);
  });
});
