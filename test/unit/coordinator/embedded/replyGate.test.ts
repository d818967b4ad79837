import { expect } from 'chai';
import type { ClientLink } from '../../../../coordinator/embedded/clientLink.ts';
import { ReplyGate } from '../../../../coordinator/embedded/replyGate.ts';

/** A link that writes down what reaches it. */
function recordingLink(log: string[], name: string): ClientLink {
  return {
    announce: () => undefined,
    queue: (packet: Uint8Array) => log.push(`${name} ${Buffer.from(packet).toString()}`),
    end: () => log.push(`${name} end`),
  } as unknown as ClientLink;
}

describe('the reply gate', () => {
  const answer = (zxid: number, thenEnd = false) => ({ zxid, answers: true, thenEnd });

  it('holds an answer until its transaction is on disk', () => {
    const log: string[] = [];
    const gate = new ReplyGate(4);
    const link = recordingLink(log, 'a');
    gate.pass(link, Buffer.from('old'), answer(4));
    gate.pass(link, Buffer.from('new'), answer(5));
    expect(log).to.deep.equal(['a old']);
    gate.onDurable(5);
    expect(log).to.deep.equal(['a old', 'a new']);
    expect(gate.heldCount).to.equal(0);
  });

  it('lets nothing overtake what is held, not even an answer that needs no disk', () => {
    const log: string[] = [];
    const gate = new ReplyGate(0);
    const [one, other] = [recordingLink(log, 'a'), recordingLink(log, 'b')];
    gate.pass(one, Buffer.from('write'), answer(1));
    gate.pass(one, Buffer.from('ping'), answer(0));
    gate.pass(other, Buffer.from('read'), answer(1));
    gate.pass(other, Buffer.from('write'), answer(2));
    expect(log).to.deep.equal([]);
    gate.onDurable(1);
    expect(log).to.deep.equal(['a write', 'a ping', 'b read']);
  });

  it('closes a link behind its last answer', () => {
    const log: string[] = [];
    const gate = new ReplyGate(0);
    const link = recordingLink(log, 'a');
    gate.pass(link, Buffer.from('closed'), answer(1, true));
    expect(log).to.deep.equal([]);
    gate.onDurable(1);
    expect(log).to.deep.equal(['a closed', 'a end']);
  });
});
