import { expect } from 'chai';
import fc from 'fast-check';
import {
  type MetadataChange,
  MetadataLog,
} from '../../../../coordinator/controller/metadataLog.ts';

const change: fc.Arbitrary<MetadataChange> = fc.oneof(
  fc.constant({ kind: 'brokers' } as const),
  fc.record({
    kind: fc.constant('topic' as const),
    name: fc.constantFrom('a', 'b', 'c'),
    partition: fc.option(fc.nat(4), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('removed' as const), topicId: fc.constantFrom('x', 'y') }),
);

describe('MetadataLog', () => {
  it('tells from any version exactly what changed since', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 30 }), (versions) => {
        const log = new MetadataLog();
        const history: MetadataChange[][] = [[]];
        for (const changes of versions) {
          for (const each of changes) log.add(each);
          expect(log.seal()).to.equal(changes.length > 0);
          if (changes.length > 0) history.push(changes);
        }
        expect(log.version).to.equal(history.length - 1);
        for (let base = 0; base <= log.version; base++) {
          const since = history.slice(base + 1).flat();
          const told = log.since(base);
          expect(told?.brokers).to.equal(since.some(({ kind }) => kind === 'brokers'));
          const removed = since.flatMap((each) => (each.kind === 'removed' ? [each.topicId] : []));
          expect(told?.removed).to.deep.equal(removed);
          for (const name of ['a', 'b', 'c']) {
            const own = since.flatMap((each) =>
              each.kind === 'topic' && each.name === name ? [each.partition] : [],
            );
            expect(told?.topics.has(name)).to.equal(own.length > 0);
            if (own.length === 0) continue;
            const partitions = told?.topics.get(name);
            if (own.includes(undefined)) expect(partitions).to.equal(undefined);
            else expect([...(partitions ?? [])].sort()).to.deep.equal([...new Set(own)].sort());
          }
        }
      }),
    );
  });

  it('asks for a snapshot once too much has changed, and for a version it never had', () => {
    const log = new MetadataLog();
    for (let version = 0; version < 60; version++) {
      for (let i = 0; i < 1_000; i++) log.add({ kind: 'topic', name: 't', partition: i });
      log.seal();
    }
    expect(log.since(0)).to.equal(undefined);
    expect(log.since(61)).to.equal(undefined);
    expect(log.since(59)?.topics.get('t')?.size).to.equal(1_000);
  });
});
