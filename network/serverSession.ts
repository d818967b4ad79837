/**
 * The opening of a connection: Hello, then Authenticate as often as the mechanism needs. Before it
 * is over nothing else is served.
 *
 *     hello --Hello--> authenticating --Authenticate(ANONYMOUS)--> open
 */

import {
  type Api,
  authenticateApi,
  type ErrorName,
  errorCode,
  helloApi,
  type RequestOf,
  type ResponseOf,
} from '../protocol/index.ts';

type HelloRequest = RequestOf<typeof helloApi>;
type HelloResponse = ResponseOf<typeof helloApi>;
type AuthenticateRequest = RequestOf<typeof authenticateApi>;
type AuthenticateResponse = ResponseOf<typeof authenticateApi>;

export interface ServerIdentity {
  readonly brokerId: number;
  readonly clusterId: () => string;
  readonly softwareVersion: string;
  readonly inFlightMax: number;
  readonly frameBytesMax: number;
  /** What the listener serves, Hello and Authenticate included. */
  readonly apis: readonly Api[];
}

export const ANONYMOUS_MECHANISM = 'ANONYMOUS';

export class ServerSession {
  readonly #identity: ServerIdentity;
  #state: 'hello' | 'authenticating' | 'open' = 'hello';
  #hello: HelloRequest | undefined;

  constructor(identity: ServerIdentity) {
    this.#identity = identity;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** What the client said of itself; undefined before Hello. */
  get hello(): HelloRequest | undefined {
    return this.#hello;
  }

  /** Why `api` may not be called in the present state; undefined where it may. */
  refusal(
    api: Api | undefined,
  ): { readonly error: ErrorName; readonly message: string } | undefined {
    const isHello = api === helloApi;
    const isAuthenticate = api === authenticateApi;
    if (this.#state === 'hello' && !isHello) {
      return { error: 'ILLEGAL_SASL_STATE', message: 'The first request of a connection is Hello' };
    }
    if (this.#state !== 'hello' && isHello) {
      return { error: 'ILLEGAL_SASL_STATE', message: 'Hello was said already' };
    }
    if (this.#state === 'authenticating' && !isAuthenticate) {
      return { error: 'ILLEGAL_SASL_STATE', message: 'Authenticate comes before other requests' };
    }
    return undefined;
  }

  answerHello(request: HelloRequest): HelloResponse {
    this.#hello = request;
    this.#state = 'authenticating';
    return {
      errorCode: 0,
      errorMessage: null,
      serverSoftwareVersion: this.#identity.softwareVersion,
      clusterId: this.#identity.clusterId(),
      brokerId: this.#identity.brokerId,
      inFlightMax: this.#identity.inFlightMax,
      frameBytesMax: this.#identity.frameBytesMax,
      mechanisms: [ANONYMOUS_MECHANISM],
      apis: this.#identity.apis.map(({ key, versions }) => ({
        key,
        versionMin: versions.min,
        versionMax: versions.max,
      })),
    };
  }

  /** A response with an error code ends the connection once it was sent. */
  answerAuthenticate(request: AuthenticateRequest): AuthenticateResponse {
    const refused = (error: ErrorName, errorMessage: string): AuthenticateResponse => ({
      errorCode: errorCode(error),
      errorMessage,
      complete: 0,
      bytes: new Uint8Array(0),
      sessionLifetimeMs: 0,
    });
    if (request.mechanism !== ANONYMOUS_MECHANISM) {
      return refused(
        'UNSUPPORTED_SASL_MECHANISM',
        `The mechanism "${request.mechanism}" is not offered here; use ${ANONYMOUS_MECHANISM}`,
      );
    }
    if (request.bytes.length > 0) {
      return refused('SASL_AUTHENTICATION_FAILED', 'An anonymous client sends no token');
    }
    this.#state = 'open';
    return {
      errorCode: 0,
      errorMessage: null,
      complete: 1,
      bytes: new Uint8Array(0),
      sessionLifetimeMs: 0,
    };
  }
}
