import type { PeerId } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { errorCode } from '../runtime/soma-error.ts'
import { decodeFrom, encodeRequestFrame } from './frame-codec.ts'
import { type ResponseFrame, responseFrameMessage, type Status } from './frame-messages.ts'
import type { FrameStream } from './frame-stream.ts'
import type { RpcProtocol } from './rpc.ts'
import { RpcError } from './rpc-error.ts'
import { errorOf } from './status.ts'

export interface Question<Request, Response> {
  readonly peer: PeerId
  readonly protocol: RpcProtocol<Request, Response>
  readonly request: Request
  /** Exactly one response belongs into the answer. */
  readonly single: boolean
  readonly signal: AbortSignal | undefined
  /** Called as bytes of the answer arrive. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** How an exchange ended. */
export interface ExchangeEnd {
  readonly result: string
  /** What it threw, if it did. */
  readonly error: unknown
  readonly bytesIn: number
  readonly bytesOut: number
}

/** What an exchange needs around it. */
export interface ExchangeInit {
  readonly writeTimeoutMs: number
  /** A stream kept from an earlier exchange. */
  reuse(): FrameStream | undefined
  open(signal: AbortSignal): Promise<FrameStream>
  /** Takes a stream on which an answer came to its end. */
  keep(frames: FrameStream): void
  /** Called once, when the exchange begins. What it throws ends it. */
  onBegin(): void
  /** Called once, when an exchange that began is over. */
  onEnd(end: ExchangeEnd): void
}

/** One question to a peer and its answer, on a kept stream or a new one. */
export class Exchange<Request, Response> {
  readonly #question: Question<Request, Response>
  readonly #init: ExchangeInit
  #frames: FrameStream | undefined
  #opening: AbortController | undefined
  #cancelled: { readonly reason: unknown } | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  /** What is left of the time for the whole answer. */
  #remainingMs: number
  #waitingSince = 0
  #isAnswered = false
  #bytesBefore = { in: 0, out: 0 }

  constructor(question: Question<Request, Response>, init: ExchangeInit) {
    this.#question = question
    this.#init = init
    this.#remainingMs = question.protocol.deadlines.totalMs
  }

  /** Asks, and yields the responses. Once. */
  async *answer(): AsyncGenerator<Response, void, undefined> {
    const { protocol, request, single, signal } = this.#question
    this.#init.onBegin()
    let result = 'stopped'
    let error: unknown
    try {
      signal?.throwIfAborted()
      const frame = encodeRequestFrame(true, protocol.request.encode(request), protocol.maxRequestBytes)
      signal?.addEventListener('abort', this.#onAbort)
      this.#startTimer()
      let count = 0
      let next = await this.#ask(frame)
      while (next.body !== undefined) {
        count += 1
        if (single && count > 1) throw new RpcError('RPC_UNEXPECTED_FRAME', 'a second response to a unary request')
        const response = decodeFrom(protocol.response, next.body, 'RPC_BAD_FRAME')
        this.#pauseTimer() // what the consumer takes its time for is not the peer's
        yield response
        this.#startTimer()
        next = await this.#read(protocol.deadlines.betweenFramesMs)
      }
      this.#conclude(next.status, count)
      result = 'ok'
    } catch (thrown) {
      result = errorCode(thrown)
      error = thrown
      throw thrown
    } finally {
      this.#end(result, error)
    }
  }

  /** Ends the exchange, whether or not anybody is still iterating. */
  cancel(reason: unknown): void {
    this.#cancelled ??= { reason }
    clearTimeout(this.#timer)
    this.#opening?.abort(reason)
    if (!this.#isAnswered) this.#frames?.abort(reason)
  }

  /** The first frame of the answer. A kept stream that turns out dead before anything came is replaced by a new one, once. */
  async #ask(frame: Uint8ArrayList): Promise<ResponseFrame> {
    const kept = this.#init.reuse()
    if (kept !== undefined) {
      try {
        return await this.#askOn(kept, frame)
      } catch (thrown) {
        kept.abort(thrown)
        const isDead = thrown instanceof RpcError && thrown.code === 'RPC_STREAM_TORN'
        if (!isDead || kept.bytesIn > this.#bytesBefore.in || this.#cancelled !== undefined) throw thrown
      }
    }
    return await this.#askOn(await this.#open(), frame)
  }

  async #askOn(frames: FrameStream, frame: Uint8ArrayList): Promise<ResponseFrame> {
    this.#frames = frames
    this.#bytesBefore = { in: frames.bytesIn, out: frames.bytesOut }
    if (this.#cancelled !== undefined) frames.abort(this.#cancelled.reason)
    await frames.write(frame, this.#init.writeTimeoutMs)
    return await this.#read(this.#question.protocol.deadlines.firstFrameMs)
  }

  async #open(): Promise<FrameStream> {
    const { firstFrameMs } = this.#question.protocol.deadlines
    const opening = new AbortController()
    this.#opening = opening
    const timer = setTimeout(() => {
      opening.abort(new RpcError('RPC_TIMEOUT', `no stream could be opened within ${firstFrameMs} ms`))
    }, firstFrameMs)
    try {
      return await this.#init.open(opening.signal)
    } finally {
      clearTimeout(timer)
      this.#opening = undefined
    }
  }

  async #read(silenceMs: number): Promise<ResponseFrame> {
    const { protocol, onBytes } = this.#question
    const frame = await this.#frames?.read(protocol.maxResponseBytes, silenceMs, onBytes)
    if (frame === undefined) throw new RpcError('RPC_STREAM_TORN', 'the stream ended before the status')
    return decodeFrom(responseFrameMessage, frame, 'RPC_BAD_FRAME')
  }

  /** Gives the stream back, since it is in order whatever the status says, and throws what the status says. */
  #conclude(status: Status | undefined, responses: number): void {
    if (status === undefined) throw new RpcError('RPC_BAD_FRAME', 'an empty frame')
    if (this.#frames?.hasLeftover === true) throw new RpcError('RPC_UNEXPECTED_FRAME', 'a frame after the status')
    const error = errorOf(status)
    if (error === undefined && this.#question.single && responses === 0)
      throw new RpcError('RPC_BAD_FRAME', 'status ok without a response')
    this.#isAnswered = true
    if (error !== undefined) throw error
  }

  #end(result: string, error: unknown): void {
    clearTimeout(this.#timer)
    this.#question.signal?.removeEventListener('abort', this.#onAbort)
    const frames = this.#frames
    const bytesIn = (frames?.bytesIn ?? 0) - this.#bytesBefore.in
    const bytesOut = (frames?.bytesOut ?? 0) - this.#bytesBefore.out
    if (frames !== undefined && this.#isAnswered) this.#init.keep(frames)
    else frames?.abort(error ?? new RpcError('RPC_STREAM_TORN', 'the consumer stopped'))
    this.#init.onEnd({ result, error, bytesIn, bytesOut })
  }

  #startTimer(): void {
    this.#waitingSince = performance.now()
    this.#timer = setTimeout(this.#onExpired, this.#remainingMs)
  }

  #pauseTimer(): void {
    clearTimeout(this.#timer)
    this.#remainingMs -= performance.now() - this.#waitingSince
  }

  readonly #onAbort = (): void => this.cancel(this.#question.signal?.reason)

  readonly #onExpired = (): void => {
    this.cancel(new RpcError('RPC_TIMEOUT', `no whole answer within ${this.#question.protocol.deadlines.totalMs} ms`))
  }
}
