import { type PeerId, type Stream, StreamBufferError } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { errorCode, toError } from '../runtime/soma-error.ts'
import type { Admission, Admitted } from './admission.ts'
import { decodeFrom, encodeStatusFrame } from './frame-codec.ts'
import { type RequestFrame, requestFrameMessage, type Status } from './frame-messages.ts'
import { FrameStream } from './frame-stream.ts'
import { ResponseFrames } from './response-frames.ts'
import type { RpcHandler, RpcProtocol } from './rpc.ts'
import { RpcError, STATUS } from './rpc-error.ts'
import { REQUEST_FAULTS } from './rpc-init.ts'
import type { RpcServerInit } from './rpc-server.ts'
import type { ServingTurn, ServingTurns } from './serving-turns.ts'
import type { Session } from './session-table.ts'
import { errorOf, INTERNAL_STATUS, INVALID_REQUEST_STATUS, OK_STATUS, statusOf } from './status.ts'

/** What a frame is taken for before it is made: what handlers aim for. */
const FRAME_BYTES = 256 * 1024
/** Requests of the greatest length, or as many bytes of shorter ones, that may come on a stream while others are answered: the stream is reset when there are more. */
const REQUESTS_AHEAD = 2
/** How long a peer is put off that took its answers so slowly that others had to wait, in milliseconds: they go first for a while. */
const SLOW_PUT_OFF_MS = 10_000

export interface ServerSessionInit<Request, Response> extends RpcServerInit {
  readonly stream: Stream
  readonly peer: PeerId
  readonly protocol: RpcProtocol<Request, Response>
  readonly handler: RpcHandler<Request, Response>
  readonly admission: Admission
  readonly turns: ServingTurns
}

/** How an answer ends. */
interface Conclusion {
  readonly status: Status
  /** The response to a unary request, which goes out together with the status. */
  readonly unary?: UnaryResponse | undefined
  /** Whether the peer may ask again on this stream. */
  readonly keepOpen: boolean
}

interface UnaryResponse {
  readonly frame: Uint8ArrayList
  readonly turn: ServingTurn
}

/** Serves one stream: its requests, one after the other. */
export class ServerSession<Request, Response> implements Session {
  readonly #init: ServerSessionInit<Request, Response>
  readonly #frames: FrameStream
  readonly #peerKey: string
  /** Aborts what is being answered when the stream closes. */
  #answering: AbortController | undefined

  constructor(init: ServerSessionInit<Request, Response>) {
    this.#init = init
    this.#frames = new FrameStream(init.stream)
    this.#peerKey = init.peer.toString()
    init.stream.maxReadBufferLength = REQUESTS_AHEAD * init.protocol.maxRequestBytes
    init.stream.addEventListener('close', ({ error }) => {
      if (error instanceof StreamBufferError) {
        this.#fault(new RpcError('RPC_UNEXPECTED_FRAME', 'asks more and more before it is answered', { cause: error }))
      }
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

  get isAnswering(): boolean {
    return this.#answering !== undefined
  }

  abort(): void {
    this.#frames.abort(new RpcError('RPC_NOT_CONNECTED', 'this node ends the stream'))
  }

  async #serveRequests(): Promise<void> {
    const { protocol, requestTimeoutMs, idleTimeoutMs } = this.#init
    let keepOpen = true
    for (let patienceMs = requestTimeoutMs; keepOpen; patienceMs = idleTimeoutMs) {
      const came = await this.#frames.awaitBytes(patienceMs)
      if (came === 'expired') return
      if (came === 'bytes') await this.#keepWaiting()
      const frame = await this.#frames.read(protocol.maxRequestBytes, requestTimeoutMs)
      if (frame === undefined) break
      keepOpen = await this.#serveRequest(frame)
    }
    if ((await this.#frames.finish(requestTimeoutMs)) === 'bytes')
      throw new RpcError('RPC_UNEXPECTED_FRAME', 'more after the last request')
  }

  /** Leaves the request of a peer that was told to wait where it is until it may come: what it asks on stays with it, for merely to decrypt it costs more than to ask. */
  async #keepWaiting(): Promise<void> {
    const { admission, protocol } = this.#init
    for (let counted = 0; ; ) {
      const waitMs = admission.waitMs(this.#peerKey, protocol.name)
      if (waitMs === 0) return
      const { bytesWaiting } = this.#frames
      if (admission.unheeded(this.#peerKey, bytesWaiting - counted, protocol.maxRequestBytes)) {
        throw new RpcError('RPC_UNEXPECTED_FRAME', 'asks on though it is told to wait')
      }
      counted = bytesWaiting
      if ((await this.#frames.rest(waitMs)) === 'over') return
    }
  }

  /** @returns whether the peer may ask again on this stream */
  async #serveRequest(bytes: Uint8Array): Promise<boolean> {
    const { clock, writeTimeoutMs, onExchange, peer, protocol } = this.#init
    const startedMs = clock.monotonic()
    const bytesBefore = this.#frames.bytesOut
    let result = 'stopped'
    let turn: ServingTurn | undefined
    try {
      const { unary, status, keepOpen } = await this.#conclude(bytes)
      turn = unary?.turn
      if (status.code === STATUS.rateLimited) this.#tellToWait(status)
      const last = encodeStatusFrame(status)
      if (unary !== undefined) last.prepend(unary.frame)
      await this.#frames.write(last, writeTimeoutMs)
      result = errorOf(status)?.code ?? 'ok'
      return keepOpen
    } catch (thrown) {
      result = errorCode(thrown)
      throw thrown
    } finally {
      turn?.end()
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
    const { admission, isReserved, peer, protocol } = this.#init
    const asker = { key: this.#peerKey, isReserved: isReserved(peer) }
    const admitted = { asker, protocol: protocol.name, rate: protocol.rate, bytes: bytes.byteLength }
    const refused = admission.enter(admitted)
    if (refused !== undefined) return { status: this.#statusFor(refused), keepOpen }
    try {
      return { ...(await this.#answer(body, admitted)), keepOpen }
    } finally {
      // Before the status goes out: the peer may ask again on another stream the moment it has it.
      admission.leave(admitted)
    }
  }

  #tellToWait({ retryAfterMs }: Status): void {
    const { admission, protocol } = this.#init
    if (retryAfterMs !== undefined) admission.tellToWait(this.#peerKey, protocol.name, retryAfterMs)
  }

  async #answer(body: Uint8Array, admitted: Admitted): Promise<Omit<Conclusion, 'keepOpen'>> {
    const { totalMs } = this.#init.protocol.deadlines
    const answering = new AbortController()
    this.#answering = answering
    const timer = setTimeout(() => {
      this.#frames.abort(new RpcError('RPC_UNAVAILABLE', `no whole answer within ${totalMs} ms`))
    }, totalMs)
    try {
      const request = this.#read(body)
      const refused = this.#charge(request, admitted)
      if (refused !== undefined) return { status: this.#statusFor(refused) }
      return { unary: await this.#respond(request, admitted, answering.signal), status: OK_STATUS }
    } catch (thrown) {
      if (answering.signal.aborted) throw thrown // nobody is left to tell
      return { status: this.#statusFor(thrown) }
    } finally {
      clearTimeout(timer)
      this.#answering = undefined
    }
  }

  #read(body: Uint8Array): Request {
    return decodeFrom(this.#init.protocol.request, body, 'RPC_INVALID_REQUEST')
  }

  #charge(request: Request, admitted: Admitted): RpcError | undefined {
    const { admission, protocol } = this.#init
    return admission.charge(admitted, protocol.cost?.(request) ?? 1)
  }

  /** Writes the responses, each when it is the peer's turn; that of a unary request is returned instead. */
  async #respond(request: Request, { asker }: Admitted, signal: AbortSignal): Promise<UnaryResponse | undefined> {
    const { protocol, handler, peer, turns, writeTimeoutMs } = this.#init
    const bytes = Math.min(protocol.maxResponseBytes, FRAME_BYTES)
    const shed = () => this.#shed()
    const begin = () => turns.begin(asker, bytes, { signal, shed })
    let turn = await begin()
    try {
      const answer = handler(request, { peer, signal })
      await using frames = new ResponseFrames(protocol, Symbol.asyncIterator in answer ? answer : single(answer))
      if (protocol.kind === 'unary') return { frame: await frames.only(turn), turn }
      for (let frame = await frames.next(turn); frame !== undefined; frame = await frames.next(turn)) {
        if (frame === 'none')
          turn.made(bytes) // looking has cost as much as a frame does
        else await this.#frames.write(frame, writeTimeoutMs)
        frame = 'none' // nothing of it is held while the next waits for its turn
        turn.end()
        turn = await begin() // before the next is made
      }
      turn.end()
      return undefined
    } catch (thrown) {
      turn.end()
      throw thrown
    }
  }

  /** Ends the answer of a peer that takes it so slowly that others wait: no fault of it, but they go first for a while. */
  #shed(): void {
    const { admission, log, peer, protocol } = this.#init
    log('%p takes %s slowly, and others wait', peer, protocol.name)
    admission.putOff(this.#peerKey, SLOW_PUT_OFF_MS)
    this.#frames.abort(new RpcError('RPC_UNAVAILABLE', 'others wait for the room that this answer holds'))
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

async function* single<T>(value: Promise<T>): AsyncGenerator<T> {
  yield await value
}
