/** fastify's log lines through the Logger facade: its methods take (fields, message) or (message). */

import type { FastifyBaseLogger } from 'fastify';
import type { LogFields, Logger } from '../../common/index.ts';

type Write = (message: string, fields?: LogFields) => void;

export function fastifyLogger(logger: Logger): FastifyBaseLogger {
  const adapt = (write: Write) => (first: unknown, second?: unknown) => {
    if (typeof first === 'string') write(first);
    else write(typeof second === 'string' ? second : 'fastify', fieldsOf(first));
  };
  const debug = adapt((message, fields) => logger.debug(message, fields));
  const error = adapt((message, fields) => logger.error(message, fields));
  return {
    level: 'info',
    fatal: error,
    error,
    warn: adapt((message, fields) => logger.warn(message, fields)),
    info: debug,
    debug,
    trace: () => undefined,
    silent: () => undefined,
    child: () => fastifyLogger(logger),
  } as FastifyBaseLogger;
}

/** Of a request or response only what names it: never headers or bodies. */
function fieldsOf(value: unknown): LogFields {
  if (value instanceof Error) return { error: value };
  if (typeof value !== 'object' || value === null) return {};
  const { err, req, res } = value as {
    readonly err?: unknown;
    readonly req?: { readonly method?: string; readonly url?: string };
    readonly res?: { readonly statusCode?: number };
  };
  return {
    ...(err === undefined ? {} : { error: err }),
    ...(req === undefined ? {} : { method: req.method, url: req.url }),
    ...(res === undefined ? {} : { status: res.statusCode }),
  };
}
