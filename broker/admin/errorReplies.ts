/** Errors as Confluent's REST v3 has them: `{"error_code", "message"}`. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorCode, ProtocolError } from '../../protocol/index.ts';

interface ErrorReply {
  readonly status: number;
  readonly message: string;
  /** Code of the error catalogue; by default the HTTP status. */
  readonly code?: number;
}

export function sendError(reply: FastifyReply, { status, message, code }: ErrorReply): void {
  void reply.code(status).send({ error_code: code ?? status, message });
}

/** Something that a path names and that is not there, apart from topics. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

export function addErrorHandlers(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    sendError(reply, describe(error, request));
  });
  app.setNotFoundHandler((request, reply) => {
    sendError(reply, { status: 404, message: `There is no ${request.method} ${request.url}` });
  });
}

/** A path that cannot even be decoded reaches no route and no hook. */
export function replyToMalformedPath(
  error: FastifyError,
  _request: FastifyRequest,
  reply: FastifyReply,
): void {
  sendError(reply, { status: error.statusCode ?? 400, message: error.message });
}

function describe(error: FastifyError | Error, request: FastifyRequest): ErrorReply {
  if (error instanceof ProtocolError) {
    const { httpStatus, code } = error.definition;
    return { status: httpStatus, code, message: error.message };
  }
  if (error instanceof NotFoundError) return { status: 404, message: error.message };
  if ('validation' in error && error.validation !== undefined) {
    return { status: 400, code: errorCode('INVALID_REQUEST'), message: error.message };
  }
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (status !== undefined && status >= 400 && status < 500) {
    return { status, message: error.message };
  }
  request.log.error({ err: error, req: { method: request.method, url: request.url } }, 'Failed');
  // What failed within is for the log: it may name files or addresses.
  const code = errorCode('UNKNOWN_SERVER_ERROR');
  return { status: 500, code, message: 'The broker failed in a way it did not expect' };
}
