import net from 'node:net';
import { expect } from 'chai';
import type { SocketHandler, StreamSocket, TransportListener } from '../../../common/index.ts';
import { NodeTransport } from '../../../network/index.ts';
import { ownedReceptionWorks } from '../../../network/ownedReception.ts';
import { until } from './harness.ts';

/** Gathers what comes, in memory of the given size. */
class Gatherer implements SocketHandler {
  readonly socket: StreamSocket;
  readonly #memory: Buffer;
  readonly #chunks: Buffer[] = [];
  readonly events: string[] = [];
  onEachRead: () => void = () => undefined;
  spacesGiven = 0;

  constructor(socket: StreamSocket, spaceBytes: number) {
    this.socket = socket;
    this.#memory = Buffer.alloc(spaceBytes);
  }
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
  receiveSpace(): Uint8Array {
    this.spacesGiven += 1;
    return this.#memory;
  }
  onReceived(byteCount: number): void {
    this.#chunks.push(Buffer.from(this.#memory.subarray(0, byteCount)));
    this.onEachRead();
  }
  onDrain(): void {
    this.events.push('drain');
  }
  onEnd(): void {
    this.events.push('end');
  }
  onClose(error: Error | undefined): void {
    this.events.push(error === undefined ? 'close' : `close ${String(Reflect.get(error, 'code'))}`);
  }
}

describe('node transport', () => {
  it('can read accepted sockets into owned memory in this Node', async () => {
    expect(await ownedReceptionWorks()).to.equal(true);
  });

  for (const mode of ['automatic', 'copied'] as const) {
    describe(`with ${mode} reception`, () => {
      const transport = new NodeTransport(mode);
      let listener: TransportListener;
      let accepted: Gatherer | undefined;
      let spaceBytes = 1000;
      const open: { destroy(): void }[] = [];

      beforeEach(async () => {
        accepted = undefined;
        spaceBytes = 1000;
        listener = await transport.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
          accepted = new Gatherer(socket, spaceBytes);
          open.push(socket);
          socket.start(accepted);
        });
      });
      afterEach(async () => {
        for (const socket of open.splice(0)) socket.destroy();
        await listener.close();
      });

      async function client(bytes = 1000): Promise<Gatherer> {
        const socket = await transport.connect(listener.address, { timeoutMs: 2000 });
        open.push(socket);
        const gatherer = new Gatherer(socket, bytes);
        socket.start(gatherer);
        await until('it is accepted', () => accepted !== undefined);
        return gatherer;
      }

      it('carries bytes both ways, whatever the size of the space', async () => {
        spaceBytes = 1;
        const connection = await client(7);
        connection.socket.write([Buffer.from('over '), Buffer.from('there')]);
        await until('they came', () => accepted!.received.toString() === 'over there');
        const large = Buffer.alloc(300_000, 'abc');
        accepted!.socket.write([large]);
        await until('they came', () => connection.received.length === large.length);
        expect(connection.received.equals(large)).to.equal(true);
      });

      it('reads nothing while paused and loses nothing', async () => {
        spaceBytes = 100;
        const connection = await client();
        accepted!.onEachRead = () => accepted!.socket.pause();
        const bytes = Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 251));
        connection.socket.write([bytes]);
        for (let reads = 1; accepted!.received.length < bytes.length; reads += 1) {
          await until('one read came', () => accepted!.received.length >= reads * 100);
          expect(accepted!.received.length).to.equal(reads * 100);
          accepted!.socket.resume();
        }
        expect(accepted!.received.equals(bytes)).to.equal(true);
      });

      it('asks for space anew when it resumes', async () => {
        await client();
        accepted!.socket.pause();
        const before = accepted!.spacesGiven;
        accepted!.socket.resume();
        if (mode === 'automatic') expect(accepted!.spacesGiven).to.equal(before + 1);
        else expect(accepted!.spacesGiven).to.equal(before);
      });

      it('holds back what the other side does not read, and tells when it has left', async () => {
        spaceBytes = 1 << 20;
        const connection = await client();
        accepted!.socket.pause();
        let written = false;
        const isTaken = connection.socket.write([Buffer.alloc(20_000_000)], () => {
          written = true;
        });
        expect(isTaken).to.equal(false);
        expect(connection.socket.bufferedBytes).to.be.above(0);
        accepted!.socket.resume();
        await until('it has left', () => written && connection.events.includes('drain'));
        expect(connection.socket.bufferedBytes).to.equal(0);
      }).timeout(20_000);

      it('ends one half, then the other, and closes once', async () => {
        const connection = await client();
        connection.socket.write([Buffer.from('last words')]);
        connection.socket.end();
        await until('the end came', () => accepted!.events.includes('end'));
        expect(accepted!.received.toString()).to.equal('last words');
        accepted!.socket.write([Buffer.from('answer')]);
        accepted!.socket.end();
        await until('both are closed', () => accepted!.events.includes('close'));
        await until('both are closed', () => connection.events.includes('close'));
        expect(connection.received.toString()).to.equal('answer');
        expect(connection.events).to.deep.equal(['end', 'close']);
        expect(accepted!.events).to.deep.equal(['end', 'close']);
      });

      it('reports a reset as the error of the close', async () => {
        const raw = net.connect(listener.address);
        open.push(raw);
        await until('it is accepted', () => accepted !== undefined);
        raw.resetAndDestroy();
        await until('it is closed', () => accepted!.events.length > 0);
        expect(accepted!.events).to.deep.equal(['close ECONNRESET']);
      });

      it('stops accepting at once, and accepted sockets live on', async () => {
        const connection = await client();
        await listener.close();
        await listener.close();
        const error = await transport.connect(listener.address, { timeoutMs: 2000 }).then(
          () => undefined,
          (reason: unknown) => reason as NodeJS.ErrnoException,
        );
        expect(error?.code).to.equal('ECONNREFUSED');
        connection.socket.write([Buffer.from('still')]);
        await until('it came', () => accepted!.received.toString() === 'still');
      });

      it('frees the port: a second listener may take it', async () => {
        await client();
        await listener.close();
        const again = await transport.listen(listener.address, () => undefined);
        await again.close();
      });

      it('throws EADDRINUSE for a taken port', async () => {
        const error = await transport
          .listen(listener.address, () => undefined)
          .then(
            () => undefined,
            (reason: unknown) => reason as NodeJS.ErrnoException,
          );
        expect(error?.code).to.equal('EADDRINUSE');
      });
    });
  }
});
