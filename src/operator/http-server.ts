import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { toError } from '../runtime/soma-error.ts'
import { hostOf, isLoopback, parseListenAddress } from './listen-address.ts'
import { OperatorError } from './operator-error.ts'

/** What goes out for a path. */
export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Uint8Array
  /** Of what stays the same until the next start; what has none is never to be kept. */
  readonly etag?: string
}

/** Answers a path. It gets what the request says after a question mark. */
export type HttpRoute = (query: URLSearchParams) => HttpAnswer | Promise<HttpAnswer>

export interface HttpServerInit {
  /** An address and a port: `127.0.0.1:0`. */
  readonly listen: string
  /** By path. */
  readonly routes: ReadonlyMap<string, HttpRoute>
}

/** A server that only tells: nothing can be changed through it. */
export interface HttpServer {
  /** Ends with a slash. */
  readonly url: string
  /** Resolves with no socket and no timer left. Idempotent. */
  stop(): Promise<void>
}

/** Connections at once: some browsers with six each, Prometheus, and who looks at health. */
const MAX_CONNECTIONS = 64
const MAX_HEADER_BYTES = 8 * 1024
const MAX_HEADERS = 64
/** Milliseconds for the headers of a request to come, for all of it, and for a connection to say nothing. */
const HEADERS_MS = 5_000
const REQUEST_MS = 10_000
const SILENCE_MS = 15_000
const KEEP_ALIVE_MS = 5_000

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin'
}

/**
 * Answers GET and HEAD over HTTP. On the loopback it answers only requests for a name of the loopback: a web page elsewhere that has its own name lead here
 * (DNS rebinding) gets nothing. A connection has one request at a time; one that sends the next before its answer is closed.
 *
 * @throws {OperatorError} `HTTP_LISTEN_INVALID`, `HTTP_LISTEN_FAILED`
 */
export async function startHttpServer({ listen, routes }: HttpServerInit): Promise<HttpServer> {
  const { host, port } = parseListenAddress(listen)
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 1_000
  })
  server.maxConnections = MAX_CONNECTIONS
  server.maxHeadersCount = MAX_HEADERS
  server.setTimeout(SILENCE_MS)
  const isLocal = isLoopback(host)
  const busy = new WeakSet<Socket>()
  server.on('request', (request, response) => {
    const { socket } = request
    // A thousand requests fit into one read: whoever sends them without taking answers would have us hold as many.
    if (busy.has(socket)) return void socket.destroy()
    busy.add(socket)
    response.once('close', () => busy.delete(socket))
    void answer(request, response, { routes, isLocal })
  })
  await opened(server, host, port, listen)
  server.on('error', () => undefined) // of a single connection that could not be accepted: too many open files, say. The next may
  let stopping: Promise<void> | undefined
  return {
    url: urlOf(server, host),
    stop() {
      stopping ??= closed(server)
      return stopping
    }
  }
}

interface AnswerContext {
  readonly routes: ReadonlyMap<string, HttpRoute>
  readonly isLocal: boolean
}

async function answer(request: IncomingMessage, response: ServerResponse, context: AnswerContext): Promise<void> {
  const found = refusal(request, context) ?? (await routed(request, context.routes))
  const { status, contentType, body, etag } = found
  const headers = { ...HEADERS, 'cache-control': etag === undefined ? 'no-store' : 'no-cache', ...(etag && { etag }) }
  if (etag !== undefined && request.headers['if-none-match']?.includes(etag)) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(status, {
    ...headers,
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    ...(status === 405 && { allow: 'GET, HEAD' }),
    ...(hasBody(request) && { connection: 'close' })
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** What is wrong with a request before its path is looked at. */
function refusal(request: IncomingMessage, { isLocal }: AnswerContext): HttpAnswer | undefined {
  if (isLocal && !isLoopback(hostOf(request.headers.host ?? '')))
    return text(421, 'this server is asked for as localhost, 127.0.0.1 or [::1] only')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return text(405, 'only GET and HEAD: nothing is changed here')
  if (hasBody(request)) return text(400, 'a request without a body, please')
  return undefined
}

async function routed(request: IncomingMessage, routes: AnswerContext['routes']): Promise<HttpAnswer> {
  const [path = '', query] = (request.url ?? '').split('?')
  const route = routes.get(path)
  if (route === undefined) return text(404, 'nothing here by that name')
  try {
    return await route(new URLSearchParams(query))
  } catch (thrown) {
    return text(503, toError(thrown).message)
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

function text(status: number, sentence: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${sentence}\n` }
}

/** An answer in JSON. */
export function json(status: number, value: unknown): HttpAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(value) }
}

async function opened(server: Server, host: string, port: number, listen: string): Promise<void> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    throw new OperatorError('HTTP_LISTEN_FAILED', `cannot listen on ${listen}: ${toError(cause).message}`, { cause })
  }
}

async function closed(server: Server): Promise<void> {
  const end = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await end
}

/** One that listens on every address is reached under this machine's own. */
function urlOf(server: Server, host: string): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new RangeError('a server without a port')
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${address.port}/`
}
