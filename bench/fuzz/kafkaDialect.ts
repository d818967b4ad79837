/** The Kafka protocol: no greeting is needed. */

import net from 'node:net';
import {
  decodeResponse,
  encodeRequest,
  kafkaApiVersions,
  kafkaMetadata,
} from '../../broker/kafka/wire/index.ts';
import type { SocketAddress } from '../../common/index.ts';
import type { FuzzDialect, GoodClient } from './fuzzDialect.ts';
import { KafkaFrameMaker } from './kafkaFrameMaker.ts';
import { KafkaValues } from './kafkaValues.ts';
import type { FuzzNames } from './schemaValues.ts';

const LENGTH_BYTES = 4;
const GOOD_CALL_TIMEOUT_MS = 30_000;
const METADATA_VERSION = 12;

/** @param apiNames only requests of these; all when empty. */
export function kafkaDialect(names: FuzzNames, apiNames: readonly string[] = []): FuzzDialect {
  return {
    opening: (random) => (random.chance(0.5) ? apiVersionsRequest() : Buffer.alloc(0)),
    maker: (random) => new KafkaFrameMaker(random, new KafkaValues(random, names), apiNames),
    connectGood: (address) => GoodKafkaClient.connect(address),
  };
}

function apiVersionsRequest(): Buffer {
  const software = { clientSoftwareName: 'fuzz', clientSoftwareVersion: '1' };
  const header = { correlationId: 1, clientId: 'fuzz' };
  return Buffer.concat(encodeRequest(kafkaApiVersions, 3, header, software));
}

/** Asks for the metadata of no topic, one request at a time. */
class GoodKafkaClient implements GoodClient {
  readonly #socket: net.Socket;
  #correlationId = 0;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  static async connect({ host, port }: SocketAddress): Promise<GoodKafkaClient> {
    const socket = net.connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.removeAllListeners('error');
    socket.on('error', () => undefined);
    return new GoodKafkaClient(socket);
  }

  async call(): Promise<void> {
    this.#correlationId += 1;
    const header = { correlationId: this.#correlationId, clientId: 'fuzz-good' };
    const answer = this.#answer();
    const request = encodeRequest(kafkaMetadata, METADATA_VERSION, header, { topics: [] });
    this.#socket.write(Buffer.concat(request));
    const frame = await answer;
    const { correlationId } = decodeResponse(
      kafkaMetadata,
      METADATA_VERSION,
      frame,
      LENGTH_BYTES,
      frame.length,
    );
    if (correlationId !== this.#correlationId) {
      throw new Error(`Asked as ${this.#correlationId}, answered as ${correlationId}`);
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }

  /** The next whole frame. */
  #answer(): Promise<Buffer> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const settle = (action: () => void): void => {
        clearTimeout(timer);
        socket.off('data', onData);
        socket.off('close', onClose);
        action();
      };
      const onData = (bytes: Buffer): void => {
        received = Buffer.concat([received, bytes]);
        if (received.length < LENGTH_BYTES) return;
        const length = LENGTH_BYTES + received.readInt32BE(0);
        if (received.length >= length) settle(() => resolve(received.subarray(0, length)));
      };
      const onClose = (): void =>
        settle(() => reject(new Error('The good connection was closed by the broker')));
      const timer = setTimeout(
        () => settle(() => reject(new Error('The good connection got no answer in time'))),
        GOOD_CALL_TIMEOUT_MS,
      );
      socket.on('data', onData);
      socket.on('close', onClose);
    });
  }
}
