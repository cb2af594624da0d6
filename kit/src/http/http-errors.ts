/**
 * HTTP requests that never become GraphQL requests: malformed, too large, or for another path or method. All
 * are answered in GraphQL's shape. They are the client's mistake, so none is logged at level _error_.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { codedError, cutText, ERROR_CODES, type ErrorCode } from "../graphql/errors.ts";
import type { Logger } from "../process/log.ts";
import { codingsOf } from "./content-coding.ts";
import type { OnRefused, RefusalReason } from "./refusals.ts";

interface HttpError {
  statusCode?: number;
  code?: string;
  message: string;
}

export interface HttpErrorTerms {
  log: Logger;
  bodyBytesMax: number;
  onRefused: OnRefused;
}

const GRAPHQL_PATH = "/graphql";

/**
 * The options that an app must be created with. `answerHttpErrors` answers the app's
 * errors before and beside routes.
 */
export function httpErrorOptions(terms: HttpErrorTerms): FastifyHttpOptions<Server> {
  return {
    // Node itself would answer a request without a Host with an empty body.
    http: { requireHostHeader: false },
    // Bytes that are not HTTP never become a request.
    clientErrorHandler: (error, socket) => answerConnectionError(error, socket, terms),
    // A malformed URL reaches neither a route nor the error handler.
    frameworkErrors: (error, _request, reply) => void answerError(error, reply, terms),
  };
}

export function answerHttpErrors(app: FastifyInstance, terms: HttpErrorTerms): void {
  app.setErrorHandler(async (error: HttpError, _request, reply) => answerError(error, reply, terms));
  app.setNotFoundHandler(async (request, reply) => {
    if (request.url.split("?", 1)[0] !== GRAPHQL_PATH) {
      return refuse(reply, 404, `There is nothing here. GraphQL is at ${GRAPHQL_PATH}.`, terms);
    }
    reply.header("allow", "GET, POST");
    return refuse(reply, 405, "GraphQL takes GET and POST only.", terms);
  });
  app.addHook("onRequest", async (request, reply) => {
    const problem = request.routeOptions.url === GRAPHQL_PATH ? problemOfHead(request) : undefined;
    if (problem) await refuse(reply, problem.status, problem.message, terms);
  });
  // Node would close the connection.
  app.server.on("connect", (_request, socket) => {
    socket.on("error", () => {});
    terms.onRefused("bad-request");
    writeAnswer(socket, 405, "GraphQL takes GET and POST only.");
    // No limit of the server holds for this socket any more, and its client may keep its own end open.
    socket.end(() => socket.destroy());
  });
  // Node would answer any expectation other than 100-continue with an empty body.
  app.server.on("checkExpectation", (_request, response) => {
    terms.onRefused("bad-request");
    const body = bodyOf("BAD_REQUEST", "The header Expect is not one that can be met.");
    response
      .writeHead(417, { "content-type": JSON_TYPE, "content-length": Buffer.byteLength(body) })
      .end(body);
  });
}

/**
 * What is wrong with the head of a request for GraphQL. Bodies are read as they are, as UTF-8, so one that is
 * sent in another way would be told as malformed JSON.
 */
function problemOfHead({ hostname, url, headers, raw }: FastifyRequest) {
  // Without a host and a path that make a valid URL, GraphQL's handler would fail.
  const hasHost = raw.headersDistinct.host?.length === 1 && URL.canParse(url, `http://${hostname}/`);
  if (!hasHost) return { status: 400, message: "The header Host is missing, malformed or there twice." };
  if (codingsOf(headers["content-encoding"]).length > 0)
    return {
      status: 415,
      message: "The header Content-Encoding names a coding, and bodies are read as they are.",
    };
  if ((headers["transfer-encoding"] ?? "chunked").toLowerCase() !== "chunked")
    return { status: 400, message: "The header Transfer-Encoding may only be chunked." };
  const charset = /;\s*charset="?([^\s;"]*)/i.exec(headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    return { status: 415, message: "The charset of the header Content-Type may only be utf-8." };
  return undefined;
}

function answerError(error: HttpError, reply: FastifyReply, terms: HttpErrorTerms): FastifyReply {
  const { log, bodyBytesMax, onRefused } = terms;
  const status = error.statusCode ?? 500;
  // The client has gone, and its body broke off. That is not a refusal.
  if (status < 500 && reply.raw.destroyed) return reply;
  if (status === 413) {
    onRefused("too-large");
    const message = `The body of the request has more than the ${bodyBytesMax} bytes that are allowed.`;
    return answer(reply, status, "REQUEST_TOO_LARGE", message);
  }
  if (status < 500) return refuse(reply, status, cutText(wordsOf(error), MESSAGE_LENGTH_MAX), terms);
  // The client has gone while its answer was being sent. No answer is needed, and nothing is wrong here.
  if (error.code === "ERR_STREAM_PREMATURE_CLOSE" && reply.raw.destroyed) return reply;
  log.error({ err: error }, "request failed");
  return answer(reply, status, "INTERNAL_SERVER_ERROR", ERROR_CODES.INTERNAL_SERVER_ERROR);
}

function wordsOf({ code, message }: HttpError): string {
  switch (code) {
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return "The body is not JSON, or has a member __proto__ or constructor.prototype.";
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return "The header Content-Type must be application/json.";
    default:
      return message;
  }
}

/** A message may quote the path, which may be as long as all headers together. */
const MESSAGE_LENGTH_MAX = 200;

function refuse(
  reply: FastifyReply,
  status: number,
  message: string,
  { onRefused }: HttpErrorTerms,
): FastifyReply {
  onRefused("bad-request");
  return answer(reply, status, "BAD_REQUEST", message);
}

function answer(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  return reply.code(status).type(JSON_TYPE).send(bodyOf(code, message));
}

const JSON_TYPE = "application/json; charset=utf-8";

function bodyOf(code: ErrorCode, message: string): string {
  return JSON.stringify({ errors: [codedError(code, message).toJSON()] });
}

/** Answers a request that could not be read. There is no reply object, only the connection. */
function answerConnectionError(
  error: Error & { code?: string },
  socket: Socket,
  { onRefused }: HttpErrorTerms,
): void {
  if (socket.writable && error.code !== "ECONNRESET") {
    const { reason, status, message } = connectionError(error.code);
    onRefused(reason);
    writeAnswer(socket, status, message);
  }
  socket.destroy(error);
}

/**
 * An import of Node's `http` would also load its client for `fetch`, for which a service has no use: 30 ms of
 * each start.
 */
const reasonOf = (status: number) => process.getBuiltinModule("node:http").STATUS_CODES[status];

function writeAnswer(socket: Duplex, status: number, message: string): void {
  const body = bodyOf("BAD_REQUEST", message);
  socket.write(
    `HTTP/1.1 ${status} ${reasonOf(status)}\r\nconnection: close\r\ncontent-type: ${JSON_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function connectionError(code: string | undefined): Refusal {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { reason: "slow-request", status: 408, message: "The request did not come in time." };
    case "HPE_HEADER_OVERFLOW":
      return {
        reason: "too-large",
        status: 431,
        message: "The path and the headers of the request are too large.",
      };
    default:
      return { reason: "bad-request", status: 400, message: "This is not HTTP as it should be." };
  }
}

interface Refusal {
  reason: RefusalReason;
  status: number;
  message: string;
}
