/**
 * The Kafka protocol on one accepted connection.
 *
 * What has no answer that its client could understand ends the connection, as Kafka's brokers do:
 * an unknown API or version, a length out of range, bytes that are no request. The one exception is
 * ApiVersions, by which a client finds out what the broker has: a version of it that is too new is
 * answered in version 0.
 */

import {
  type Framing,
  type FramingLink,
  LINGER_MS,
  type ListenerProtocol,
  type PeerIdentity,
  UNKNOWN_PEER,
} from '../../network/index.ts';
import { errorCode, RECOGNITION_BYTES, recogniseProtocol } from '../../protocol/index.ts';
import { AnswerOrder, type AnswerSlot } from './answerOrder.ts';
import { type CallPort, ConnectionCall, type KafkaCall } from './kafkaCall.ts';
import {
  API_VERSIONS_KEY,
  decodeRequest,
  encodeResponse,
  type KafkaApi,
  type KafkaRequestHeader,
  KafkaWireError,
  kafkaApiVersions,
  readRequestHeader,
} from './wire/index.ts';

const LENGTH_BYTES = 4;

/** What takes the requests of all Kafka listeners of a broker. */
export interface KafkaHandler {
  /** What is served, by key. */
  readonly served: ReadonlyMap<number, KafkaApi>;
  /** Called synchronously for each request, in the order of arrival on its connection. */
  onCall(call: KafkaCall): void;
  /** After all requests of one read: the log writes here. */
  onReceiveTurnEnd(): void;
}

export class KafkaProtocol implements ListenerProtocol {
  readonly #listener: string;
  readonly #handler: KafkaHandler;

  /** @param listener its name, as in the configuration. */
  constructor(listener: string, handler: KafkaHandler) {
    this.#listener = listener;
    this.#handler = handler;
  }

  open(link: FramingLink): Framing {
    return new KafkaFraming(link, this.#listener, this.#handler);
  }

  onReceiveTurnEnd(): void {
    this.#handler.onReceiveTurnEnd();
  }
}

class KafkaFraming implements Framing {
  /** A client of a plain-text listener need not introduce itself. */
  readonly isOpen = true;
  readonly #link: FramingLink;
  readonly #listener: string;
  readonly #handler: KafkaHandler;
  readonly #answers: AnswerOrder;
  #peer: PeerIdentity = UNKNOWN_PEER;
  #isRecognised = false;

  constructor(link: FramingLink, listener: string, handler: KafkaHandler) {
    this.#link = link;
    this.#listener = listener;
    this.#handler = handler;
    this.#answers = new AnswerOrder(link);
  }

  get peer(): PeerIdentity {
    return this.#peer;
  }

  get parkedBytes(): number {
    return this.#answers.parkedBytes;
  }

  frameBytes(bytes: Buffer, position: number, availableBytes: number): number {
    if (!this.#isRecognised || availableBytes < LENGTH_BYTES) return 0;
    const length = bytes.readInt32BE(position);
    // A length out of range ends the connection; nothing is provided for it.
    return this.#isInRange(length) ? LENGTH_BYTES + length : LENGTH_BYTES;
  }

  takeFrame(bytes: Buffer, position: number, availableBytes: number): number {
    if (!this.#isRecognised && !this.#recognise(bytes, position, availableBytes)) return 0;
    if (availableBytes < LENGTH_BYTES) return 0;
    const length = bytes.readInt32BE(position);
    if (!this.#isInRange(length)) {
      this.#end(`A frame says that it has ${length} bytes`);
      return 0;
    }
    if (availableBytes < LENGTH_BYTES + length) return 0;
    try {
      this.#takeRequest(bytes, position + LENGTH_BYTES, length);
    } catch (error) {
      if (!(error instanceof KafkaWireError)) throw error;
      this.#end(error.message);
    }
    return LENGTH_BYTES + length;
  }

  onClosed(): void {
    this.#answers.close();
  }

  #isInRange(length: number): boolean {
    return length >= 0 && length <= this.#link.limits.frameBytesMax;
  }

  /** @returns whether frames may be read. */
  #recognise(bytes: Buffer, position: number, availableBytes: number): boolean {
    if (availableBytes < RECOGNITION_BYTES) return false;
    const protocol = recogniseProtocol(bytes, position);
    if (protocol === 'kafka' || protocol === 'unknown') {
      this.#isRecognised = true;
      return true;
    }
    const what = { http: 'HTTP', tls: 'TLS', native: 'the native protocol' }[protocol];
    const plain = protocol === 'tls' ? ', which is plain text' : '';
    const message = `A client speaks ${what} to the Kafka listener "${this.#listener}"${plain}`;
    this.#link.countMalformed('warn', message);
    this.#link.beginClose(LINGER_MS);
    return false;
  }

  /** @throws {KafkaWireError} where it is none. */
  #takeRequest(bytes: Buffer, position: number, length: number): void {
    const header = readRequestHeader(bytes, position, length);
    const { apiKey, apiVersion } = header;
    const api = this.#handler.served.get(apiKey);
    const { min, max } = api?.accepted ?? { min: 0, max: -1 };
    if (api === undefined || apiVersion < min || apiVersion > max) {
      if (apiKey === API_VERSIONS_KEY && apiVersion > max) this.#refuseVersion(header);
      else this.#end(`This listener does not serve API key ${apiKey} at version ${apiVersion}`);
      return;
    }
    const body = decodeRequest(api, apiVersion, bytes, header.bodyPosition, position + length);
    this.#noteClient(header);
    if (api === (kafkaApiVersions as KafkaApi)) {
      this.#noteSoftware(body as { clientSoftwareName: string; clientSoftwareVersion: string });
    }
    this.#link.requestBegun();
    const call = {
      connection: this.#link,
      listener: this.#listener,
      api,
      apiVersion,
      clientId: header.clientId,
      body,
      receivedMs: this.#link.receivedMs,
    };
    this.#handler.onCall(new ConnectionCall(call, this.#port(header.correlationId)));
  }

  /** An answer to ApiVersions that every client reads: version 0, naming that API alone. */
  #refuseVersion({ correlationId }: KafkaRequestHeader): void {
    const { key, accepted } = kafkaApiVersions;
    const response = {
      errorCode: errorCode('UNSUPPORTED_VERSION'),
      apiKeys: [{ apiKey: key, minVersion: accepted.min, maxVersion: accepted.max }],
    };
    this.#answers.open().fill(encodeResponse(kafkaApiVersions, 0, correlationId, response));
  }

  #port(correlationId: number): CallPort {
    const slot: AnswerSlot = this.#answers.open();
    return {
      send: (call, response, onSent) => {
        slot.fill(this.#encode(call, correlationId, response), onSent);
        this.#link.requestEnded();
      },
      drop: () => {
        slot.skip();
        this.#link.requestEnded();
      },
      close: (reason) => {
        slot.skip();
        if (!this.#link.closed) {
          this.#link.log('info', 'A connection is closed', { cause: reason });
          this.#link.beginClose(LINGER_MS);
        }
        this.#link.requestEnded();
      },
    };
  }

  /** @returns nothing where the response does not fit its schema: the connection then ends. */
  #encode(call: KafkaCall, correlationId: number, response: unknown): readonly Uint8Array[] {
    if (this.#link.closed) return [];
    try {
      return encodeResponse(call.api, call.apiVersion, correlationId, response as never);
    } catch (error) {
      if (!(error instanceof KafkaWireError)) throw error;
      this.#link.log('error', 'A response does not fit its schema', {
        api: call.api.name,
        apiVersion: call.apiVersion,
        cause: error.message,
      });
      this.#link.beginClose(LINGER_MS);
      return [];
    }
  }

  #noteClient({ clientId }: KafkaRequestHeader): void {
    if (clientId !== this.#peer.clientId) this.#peer = { ...this.#peer, clientId };
  }

  #noteSoftware(body: {
    readonly clientSoftwareName: string;
    readonly clientSoftwareVersion: string;
  }): void {
    const { clientSoftwareName, clientSoftwareVersion } = body;
    this.#peer = { ...this.#peer, clientSoftwareName, clientSoftwareVersion };
  }

  #end(cause: string): void {
    this.#link.countMalformed('info', 'What a Kafka client sent ends its connection', cause);
    this.#link.beginClose(LINGER_MS);
  }
}
