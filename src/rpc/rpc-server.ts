import type { Connection, Logger, PeerId, Stream, StreamHandler } from '@libp2p/interface'
import { errorCode, toError } from '../runtime/soma-error.ts'
import { Admission } from './admission.ts'
import { decodeFrom, encodeResponseFrame, encodeStatusFrame } from './frame-codec.ts'
import { type RequestFrame, requestFrameMessage, type Status } from './frame-messages.ts'
import { FrameStream } from './frame-stream.ts'
import type { RpcHandler, RpcProtocol } from './rpc.ts'
import { RpcError } from './rpc-error.ts'
import { REQUEST_FAULTS, type RpcInit } from './rpc-init.ts'
import { errorOf, INTERNAL_STATUS, INVALID_REQUEST_STATUS, OK_STATUS, statusOf } from './status.ts'

export interface RpcServerInit extends Required<RpcInit> {
  readonly log: Logger
}

/** A stream being served. */
interface Session<Request, Response> {
  readonly protocol: RpcProtocol<Request, Response>
  readonly handler: RpcHandler<Request, Response>
  readonly peer: PeerId
  /** The peer and the protocol, for the limits. */
  readonly key: string
  readonly frames: FrameStream
  /** Aborts what is being answered when the stream closes. */
  answering: AbortController | undefined
}

/** How an answer ends, and whether another request may follow. */
interface Conclusion {
  readonly status: Status
  readonly keepOpen: boolean
}

/** Serves requests: one after the other on a stream, within the limits. */
export class RpcServer {
  readonly #init: RpcServerInit
  readonly #admission: Admission
  readonly #sessions = new Map<FrameStream, Promise<void>>()
  #stopped: RpcError | undefined

  constructor(init: RpcServerInit) {
    this.#init = init
    this.#admission = new Admission(init, init.clock)
  }

  start(): void {
    this.#stopped = undefined
  }

  /** Resets every stream, and waits for the handlers to end. */
  async stop(): Promise<void> {
    const reason = new RpcError('RPC_NOT_CONNECTED', 'this node has stopped')
    this.#stopped = reason
    for (const frames of this.#sessions.keys()) frames.abort(reason)
    await Promise.all(this.#sessions.values())
  }

  /** What libp2p calls with each stream of a protocol. */
  streamHandler<Request, Response>(
    protocol: RpcProtocol<Request, Response>,
    handler: RpcHandler<Request, Response>
  ): StreamHandler {
    return async (stream: Stream, { remotePeer: peer }: Connection) => {
      const frames = new FrameStream(stream)
      if (this.#stopped !== undefined) return frames.abort(this.#stopped)
      const key = `${peer} ${protocol.name}`
      const session: Session<Request, Response> = { protocol, handler, peer, key, frames, answering: undefined }
      stream.addEventListener('close', ({ error }) => {
        session.answering?.abort(error ?? new RpcError('RPC_STREAM_TORN', 'the stream closed'))
      })
      const serving = this.#serve(session)
      this.#sessions.set(frames, serving)
      await serving
      this.#sessions.delete(frames)
    }
  }

  async #serve<Request, Response>(session: Session<Request, Response>): Promise<void> {
    const { frames, peer, protocol } = session
    try {
      await this.#serveRequests(session)
    } catch (thrown) {
      frames.abort(thrown)
      if (this.#stopped === undefined) this.#fault(session, thrown)
      this.#init.log('%s for %p ended: %s', protocol.name, peer, errorCode(thrown))
    }
  }

  async #serveRequests<Request, Response>(session: Session<Request, Response>): Promise<void> {
    const { frames, protocol } = session
    const { requestTimeoutMs, idleTimeoutMs } = this.#init
    let keepOpen = true
    for (let patienceMs = requestTimeoutMs; keepOpen; patienceMs = idleTimeoutMs) {
      if ((await frames.awaitBytes(patienceMs)) === 'expired') return
      const frame = await frames.read(protocol.maxRequestBytes, requestTimeoutMs)
      if (frame === undefined) break
      keepOpen = await this.#serveRequest(session, frame)
    }
    if ((await frames.finish(requestTimeoutMs)) === 'bytes')
      throw new RpcError('RPC_UNEXPECTED_FRAME', 'more after the last request')
  }
  /** @returns whether the peer may ask again on this stream */
  async #serveRequest<Request, Response>(session: Session<Request, Response>, bytes: Uint8Array): Promise<boolean> {
    const { frames, peer, protocol } = session
    const { clock, writeTimeoutMs, onExchange } = this.#init
    const startedMs = clock.monotonic()
    const bytesBefore = frames.bytesOut
    let result = 'stopped'
    try {
      const { status, keepOpen } = await this.#decide(session, bytes)
      await frames.write(encodeStatusFrame(status), writeTimeoutMs)
      result = errorOf(status)?.code ?? 'ok'
      return keepOpen
    } catch (thrown) {
      result = errorCode(thrown)
      throw thrown
    } finally {
      const bytesOut = frames.bytesOut - bytesBefore
      const milliseconds = clock.monotonic() - startedMs
      onExchange({
        side: 'server',
        peer,
        protocol: protocol.name,
        result,
        bytesIn: bytes.byteLength,
        bytesOut,
        milliseconds
      })
    }
  }

  /** Answers a request if it may be answered, but for the status. */
  async #decide<Request, Response>(session: Session<Request, Response>, bytes: Uint8Array): Promise<Conclusion> {
    let frame: RequestFrame
    try {
      frame = decodeFrom(requestFrameMessage, bytes, 'RPC_BAD_FRAME')
    } catch (thrown) {
      this.#fault(session, thrown)
      return { status: INVALID_REQUEST_STATUS, keepOpen: false }
    }
    const { keepOpen, body } = frame
    const refused = this.#admission.enter(session.key)
    if (refused !== undefined) return { status: statusOf(refused) ?? INTERNAL_STATUS, keepOpen }
    try {
      return { status: await this.#answer(session, body), keepOpen }
    } finally {
      // Before the status goes out: the peer may ask again on another stream the moment it has it.
      this.#admission.leave(session.key)
    }
  }

  async #answer<Request, Response>(session: Session<Request, Response>, body: Uint8Array): Promise<Status> {
    const { frames, protocol } = session
    const answering = new AbortController()
    session.answering = answering
    const timer = setTimeout(() => {
      frames.abort(new RpcError('RPC_UNAVAILABLE', `no whole answer within ${protocol.deadlines.totalMs} ms`))
    }, protocol.deadlines.totalMs)
    try {
      await this.#respond(session, body, answering.signal)
      return OK_STATUS
    } catch (thrown) {
      if (answering.signal.aborted) throw thrown // nobody is left to tell
      return this.#statusFor(session, thrown)
    } finally {
      clearTimeout(timer)
      session.answering = undefined
    }
  }

  async #respond<Request, Response>(
    session: Session<Request, Response>,
    body: Uint8Array,
    signal: AbortSignal
  ): Promise<void> {
    const { protocol, handler, peer, frames } = session
    const request = decodeFrom(protocol.request, body, 'RPC_INVALID_REQUEST')
    const answer = handler(request, { peer, signal })
    let count = 0
    for await (const response of Symbol.asyncIterator in answer ? answer : [answer]) {
      count += 1
      if (protocol.kind === 'unary' && count > 1) throw new TypeError(`two responses to the unary ${protocol.name}`)
      const frame = encodeResponseFrame(protocol.response.encode(response), protocol.maxResponseBytes)
      await frames.write(frame, this.#init.writeTimeoutMs)
    }
    if (protocol.kind === 'unary' && count === 0) throw new TypeError(`no response to the unary ${protocol.name}`)
  }

  #statusFor<Request, Response>(session: Session<Request, Response>, thrown: unknown): Status {
    const { peer, protocol } = session
    const status = statusOf(thrown)
    if (status !== undefined) {
      this.#fault(session, thrown)
      return status
    }
    this.#init.log.error('the handler of %s failed for %p - %e', protocol.name, peer, toError(thrown))
    this.#init.onHandlerFailure(protocol.name, thrown)
    return INTERNAL_STATUS
  }

  #fault<Request, Response>({ peer, protocol }: Session<Request, Response>, thrown: unknown): void {
    if (!(thrown instanceof RpcError) || !REQUEST_FAULTS.has(thrown.code)) return
    this.#init.onFault(peer, thrown, { side: 'server', protocol: protocol.name })
  }
}
