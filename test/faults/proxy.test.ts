/** The proxy of the fault tests itself: what it does to connections, and that it ends. */

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { type ProxiedConnection, TcpProxy } from '../harness/proxy.ts';
import { waitFor } from '../harness/waitFor.ts';

/** A connection through the proxy; the server sends back what it gets. */
interface Talk {
  readonly socket: Socket;
  received: string;
  state: 'open' | 'ended' | 'reset';
}

describe('The proxy of the fault tests', () => {
  let server: Server;
  let proxy: TcpProxy;
  const atServer: Socket[] = [];
  const talks: Talk[] = [];

  beforeEach(async () => {
    server = createServer((socket) => {
      atServer.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => socket.write(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    proxy = await TcpProxy.start(`127.0.0.1:${port}`);
  });

  afterEach(async () => {
    for (const { socket } of talks.splice(0)) socket.destroy();
    for (const socket of atServer.splice(0)) socket.destroy();
    await proxy.close();
    server.close();
  });

  function open(): Talk {
    const [host, port] = proxy.address.split(':');
    const socket = connect(Number(port), host!);
    const talk: Talk = { socket, received: '', state: 'open' };
    socket.on('data', (bytes) => {
      talk.received += bytes.toString();
    });
    socket.on('end', () => {
      talk.state = 'ended';
    });
    socket.on('error', () => {
      talk.state = 'reset';
    });
    talks.push(talk);
    return talk;
  }

  async function says(talk: Talk, text: string): Promise<void> {
    talk.socket.write(text);
    const whole = talk.received + text;
    await waitFor(() => talk.received === whole, { what: `"${whole}" comes back` });
  }

  const from =
    (name: string) =>
    ({ opening }: ProxiedConnection): boolean =>
      opening.toString().startsWith(name);

  it('passes bytes on both ways, and the end of a connection', async () => {
    const talk = open();
    await says(talk, 'a');
    atServer[0]?.end();
    await waitFor(() => talk.state === 'ended', { what: 'the end is passed on' });
    talk.socket.destroy();
    await waitFor(() => proxy.connections.size === 0, { what: 'the connection is forgotten' });
  });

  it('holds back what is selected alone, loses none of it, and hides the end of a server', async () => {
    const [cut, free] = [open(), open()];
    await says(cut, 'cut ');
    await says(free, 'free ');
    const fault = proxy.impair({ stalled: true }, from('cut'));
    cut.socket.write('later');
    await says(free, 'now');
    for (const socket of atServer) socket.end();
    await waitFor(() => free.state === 'ended', { what: 'the free one hears of the end' });
    expect(cut).to.include({ received: 'cut ', state: 'open' });
    fault.lift();
    await waitFor(() => cut.state === 'ended', { what: 'the other one hears of it after the cut' });
  });

  it('cuts one way', async () => {
    const talk = open();
    await says(talk, 'a');
    let atServerSide = '';
    atServer[0]?.on('data', (bytes: Buffer) => {
      atServerSide += bytes.toString();
    });
    const fault = proxy.impair({ stalled: true, direction: 'toClient' });
    talk.socket.write('b');
    await waitFor(() => atServerSide === 'b', { what: 'the server hears' });
    expect(talk.received).to.equal('a');
    fault.lift();
    await waitFor(() => talk.received === 'ab', { what: 'the client hears, too' });
  });

  it('closes what it resets in the moment at which it passes on an end', async () => {
    const sockets = () =>
      process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length;
    await waitFor(() => sockets() === 0, { what: 'what earlier tests had open is closed' });
    await says(open(), 'a');
    let looks = 0;
    proxy.impair({ direction: 'toClient' }, (connection) => {
      looks += 1;
      // After the end was passed on, before the loop turns.
      void turns(10).then(() => connection.reset());
      return false;
    });
    atServer[0]?.end();
    await waitFor(() => looks > 0, { what: 'the end comes' });
    // All four ends; what stays open here keeps the process from ending.
    await waitFor(() => sockets() === 0, { what: 'every socket is closed' });
  });

  it('delays, and slows down', async () => {
    const talk = open();
    await says(talk, 'a');
    for (const impairment of [{ delayMs: 60 }, { bytesPerSecond: 200 }]) {
      const fault = proxy.impair({ ...impairment, direction: 'toServer' });
      const startMs = performance.now();
      await says(talk, 'x'.repeat(12));
      // Not before: how much later is the machine's affair.
      expect(performance.now() - startMs).to.be.at.least(55);
      fault.lift();
    }
  });

  it('resets, refuses, and leaves connections half open', async () => {
    const [reset, half] = [open(), open()];
    await says(reset, 'reset');
    await says(half, 'half');
    proxy.reset(from('reset'));
    await waitFor(() => reset.state === 'reset', { what: 'a reset' });
    const fault = proxy.halfOpen(from('half'));
    half.socket.write('into the void');
    proxy.refusing = true;
    const refused = open();
    await waitFor(() => refused.state === 'reset', { what: 'a refusal' });
    expect(half).to.include({ received: 'half', state: 'open' });
    fault.lift();
    await waitFor(() => half.state === 'reset', { what: 'the half is reset' });
    proxy.heal();
    await says(open(), 'again');
  });
});

/** Lets promises settle, in this turn of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}
