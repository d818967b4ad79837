import { expect } from 'chai';
import type { StreamSocket } from '../../../common/index.ts';
import { SendQueue } from '../../../network/sendQueue.ts';

/** Notes what is written; blocks on demand. */
class FakeSocket {
  readonly writes: { readonly chunks: readonly Uint8Array[]; readonly done: () => void }[] = [];
  isBlocked = false;
  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    this.writes.push({ chunks, done: () => onWritten?.() });
    return !this.isBlocked;
  }
  get bytes(): Buffer {
    return Buffer.concat(this.writes.flatMap(({ chunks }) => [...chunks]));
  }
}

describe('send queue', () => {
  let socket: FakeSocket;
  let endOfTurn: (() => void)[];
  let progress: number;
  let queue: SendQueue;
  beforeEach(() => {
    socket = new FakeSocket();
    endOfTurn = [];
    progress = 0;
    queue = new SendQueue(
      socket as unknown as StreamSocket,
      { afterTurn: (callback) => endOfTurn.push(callback) },
      {
        onProgress: (byteCount) => {
          progress += byteCount;
        },
      },
    );
  });
  function runEndOfTurn(): void {
    for (const callback of endOfTurn.splice(0)) callback();
  }

  it('sends what was pushed in a turn with one write at its end', () => {
    queue.push([Buffer.from('a'), Buffer.from('b')]);
    queue.push([Buffer.from('c')]);
    expect(socket.writes).to.have.length(0);
    expect(endOfTurn).to.have.length(1);
    runEndOfTurn();
    expect(socket.writes).to.have.length(1);
    expect(socket.writes[0]!.chunks).to.have.length(1);
    expect(socket.bytes.toString()).to.equal('abc');
  });

  it('passes large chunks as they are and copies small neighbours together', () => {
    const large = Buffer.alloc(5000, 1);
    queue.push([Buffer.from('x'), Buffer.from('y'), large, Buffer.from('z')]);
    queue.flush();
    const { chunks } = socket.writes[0]!;
    expect(chunks).to.have.length(3);
    expect(chunks[1]).to.equal(large);
    expect(
      socket.bytes.equals(Buffer.concat([Buffer.from('xy'), large, Buffer.from('z')])),
    ).to.equal(true);
  });

  it('holds back from a socket that takes no more, and goes on in order when it drains', () => {
    const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => n % 253));
    socket.isBlocked = true;
    queue.push([sent.subarray(0, 10), sent.subarray(10, 2_000_000), sent.subarray(2_000_000)]);
    queue.flush();
    expect(socket.bytes.length).to.equal(1024 * 1024);
    expect(queue.heldBytes).to.equal(3_000_000);
    socket.writes[0]!.done();
    expect(queue.heldBytes).to.equal(3_000_000 - 1024 * 1024);
    expect(progress).to.equal(1024 * 1024);
    socket.isBlocked = false;
    queue.onDrain();
    for (const write of socket.writes.slice(1)) write.done();
    expect(queue.heldBytes).to.equal(0);
    expect(queue.sentBytes).to.equal(3_000_000);
    expect(socket.bytes.equals(sent)).to.equal(true);
  });

  it('tells each sender when the last of his bytes has left, and on closing', () => {
    const sent: string[] = [];
    queue.push([Buffer.from('one')], () => sent.push('one'));
    queue.flush();
    queue.push([Buffer.from('two')], () => sent.push('two'));
    queue.flush();
    queue.push([Buffer.from('three')], () => sent.push('three'));
    socket.writes[0]!.done();
    expect(sent).to.deep.equal(['one']);
    queue.close();
    expect(sent).to.deep.equal(['one', 'two', 'three']);
    queue.push([Buffer.from('four')], () => sent.push('four'));
    expect(sent.at(-1)).to.equal('four');
    expect(queue.heldBytes).to.equal(0);
    runEndOfTurn();
    expect(socket.writes).to.have.length(2);
  });
});
