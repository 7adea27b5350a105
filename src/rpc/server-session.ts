import type { PeerId, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { errorCode, toError } from '../runtime/soma-error.ts'
import type { Admission } from './admission.ts'
import { decodeFrom, encodeResponseFrame, encodeStatusFrame } from './frame-codec.ts'
import { type RequestFrame, requestFrameMessage, type Status } from './frame-messages.ts'
import { FrameStream } from './frame-stream.ts'
import type { RpcHandler, RpcProtocol } from './rpc.ts'
import { RpcError } from './rpc-error.ts'
import { REQUEST_FAULTS } from './rpc-init.ts'
import type { RpcServerInit } from './rpc-server.ts'
import { errorOf, INTERNAL_STATUS, INVALID_REQUEST_STATUS, OK_STATUS, statusOf } from './status.ts'

/** Refusals in a row on one stream: whoever is told to wait so often and asks on does not listen. */
const MAX_REFUSALS = 100

export interface ServerSessionInit<Request, Response> extends RpcServerInit {
  readonly stream: Stream
  readonly peer: PeerId
  readonly protocol: RpcProtocol<Request, Response>
  readonly handler: RpcHandler<Request, Response>
  readonly admission: Admission
}

/** How an answer ends. */
interface Conclusion {
  readonly status: Status
  /** The frame of a unary response, which goes out together with the status. */
  readonly response?: Uint8ArrayList | undefined
  /** Whether the peer may ask again on this stream. */
  readonly keepOpen: boolean
}

/** Serves one stream: its requests, one after the other. */
export class ServerSession<Request, Response> {
  readonly #init: ServerSessionInit<Request, Response>
  readonly #frames: FrameStream
  /** The peer and the protocol, for the limits. */
  readonly #key: string
  /** Aborts what is being answered when the stream closes. */
  #answering: AbortController | undefined
  #refusals = 0

  constructor(init: ServerSessionInit<Request, Response>) {
    this.#init = init
    this.#frames = new FrameStream(init.stream)
    this.#key = `${init.peer} ${init.protocol.name}`
    init.stream.addEventListener('close', ({ error }) => {
      this.#answering?.abort(error ?? new RpcError('RPC_STREAM_TORN', 'the stream closed'))
    })
  }

  /** Resolves when the stream is over and its handler has ended. Never rejects. */
  async serve(): Promise<void> {
    const { peer, protocol, log } = this.#init
    try {
      await this.#serveRequests()
    } catch (thrown) {
      this.#frames.abort(thrown)
      this.#fault(thrown)
      log('%s for %p ended: %s', protocol.name, peer, errorCode(thrown))
    }
  }

  /** Resets the stream. */
  abort(reason: RpcError): void {
    this.#frames.abort(reason)
  }

  async #serveRequests(): Promise<void> {
    const { protocol, requestTimeoutMs, idleTimeoutMs } = this.#init
    let keepOpen = true
    for (let patienceMs = requestTimeoutMs; keepOpen; patienceMs = idleTimeoutMs) {
      if ((await this.#frames.awaitBytes(patienceMs)) === 'expired') return
      const frame = await this.#frames.read(protocol.maxRequestBytes, requestTimeoutMs)
      if (frame === undefined) break
      keepOpen = await this.#serveRequest(frame)
    }
    if ((await this.#frames.finish(requestTimeoutMs)) === 'bytes')
      throw new RpcError('RPC_UNEXPECTED_FRAME', 'more after the last request')
  }

  /** @returns whether the peer may ask again on this stream */
  async #serveRequest(bytes: Uint8Array): Promise<boolean> {
    const { clock, writeTimeoutMs, onExchange, peer, protocol } = this.#init
    const startedMs = clock.monotonic()
    const bytesBefore = this.#frames.bytesOut
    let result = 'stopped'
    try {
      const { response, status, keepOpen } = await this.#conclude(bytes)
      const last = encodeStatusFrame(status)
      if (response !== undefined) last.prepend(response)
      await this.#frames.write(last, writeTimeoutMs)
      result = errorOf(status)?.code ?? 'ok'
      return keepOpen
    } catch (thrown) {
      result = errorCode(thrown)
      throw thrown
    } finally {
      onExchange({
        side: 'server',
        peer,
        protocol: protocol.name,
        result,
        bytesIn: bytes.byteLength,
        bytesOut: this.#frames.bytesOut - bytesBefore,
        milliseconds: clock.monotonic() - startedMs
      })
    }
  }

  /** Serves a request if it may be served, but for what is left to write at the end. */
  async #conclude(bytes: Uint8Array): Promise<Conclusion> {
    let frame: RequestFrame
    try {
      frame = decodeFrom(requestFrameMessage, bytes, 'RPC_BAD_FRAME')
    } catch (thrown) {
      this.#fault(thrown)
      return { status: INVALID_REQUEST_STATUS, keepOpen: false }
    }
    const { keepOpen, body } = frame
    const refused = this.#init.admission.enter(this.#key)
    if (refused !== undefined) return this.#refuse(refused, keepOpen)
    this.#refusals = 0
    try {
      return { ...(await this.#answer(body)), keepOpen }
    } finally {
      // Before the status goes out: the peer may ask again on another stream the moment it has it.
      this.#init.admission.leave(this.#key)
    }
  }

  #refuse(refusal: RpcError, keepOpen: boolean): Conclusion {
    this.#refusals += 1
    if (this.#refusals > MAX_REFUSALS) throw new RpcError('RPC_UNEXPECTED_FRAME', 'asks on though it is told to wait')
    return { status: statusOf(refusal) ?? INTERNAL_STATUS, keepOpen }
  }

  async #answer(body: Uint8Array): Promise<Omit<Conclusion, 'keepOpen'>> {
    const { totalMs } = this.#init.protocol.deadlines
    const answering = new AbortController()
    this.#answering = answering
    const timer = setTimeout(() => {
      this.#frames.abort(new RpcError('RPC_UNAVAILABLE', `no whole answer within ${totalMs} ms`))
    }, totalMs)
    try {
      return { response: await this.#respond(body, answering.signal), status: OK_STATUS }
    } catch (thrown) {
      if (answering.signal.aborted) throw thrown // nobody is left to tell
      return { status: this.#statusFor(thrown) }
    } finally {
      clearTimeout(timer)
      this.#answering = undefined
    }
  }

  /** Writes the responses; that of a unary request is returned instead. */
  async #respond(body: Uint8Array, signal: AbortSignal): Promise<Uint8ArrayList | undefined> {
    const { protocol, handler, peer, writeTimeoutMs } = this.#init
    const request = decodeFrom(protocol.request, body, 'RPC_INVALID_REQUEST')
    const answer = handler(request, { peer, signal })
    let unary: Uint8ArrayList | undefined
    for await (const response of Symbol.asyncIterator in answer ? answer : [answer]) {
      const frame = encodeResponseFrame(protocol.response.encode(response), protocol.maxResponseBytes)
      if (protocol.kind === 'streaming') await this.#frames.write(frame, writeTimeoutMs)
      else if (unary === undefined) unary = frame
      else throw new TypeError(`two responses to the unary ${protocol.name}`)
    }
    if (protocol.kind === 'unary' && unary === undefined)
      throw new TypeError(`no response to the unary ${protocol.name}`)
    return unary
  }

  #statusFor(thrown: unknown): Status {
    const { peer, protocol, log, onHandlerFailure } = this.#init
    const status = statusOf(thrown)
    if (status !== undefined) {
      this.#fault(thrown)
      return status
    }
    log.error('the handler of %s failed for %p - %e', protocol.name, peer, toError(thrown))
    onHandlerFailure(protocol.name, thrown)
    return INTERNAL_STATUS
  }

  #fault(thrown: unknown): void {
    const { peer, protocol, onFault } = this.#init
    if (!(thrown instanceof RpcError) || !REQUEST_FAULTS.has(thrown.code)) return
    onFault(peer, thrown, { side: 'server', protocol: protocol.name })
  }
}
