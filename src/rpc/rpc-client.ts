import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { Exchange, type ExchangeEnd, type Question } from './exchange.ts'
import { FrameStream } from './frame-stream.ts'
import { openStream } from './open-stream.ts'
import { RetryTimes } from './retry-times.ts'
import { RpcError } from './rpc-error.ts'
import { ANSWER_FAULTS, type RpcInit } from './rpc-init.ts'
import { StreamPool } from './stream-pool.ts'

/** Peers times protocols that asked us to wait: more than are connected. */
const MAX_RETRY_TIMES = 4_096

export interface RpcClientInit extends Required<RpcInit> {
  protocolId(name: string): string
  /** The open connections to a peer, the one to use first. */
  connectionsTo(peer: PeerId): readonly Connection[]
}

/** Asks peers, and keeps streams from one request to the next. */
export class RpcClient {
  readonly #init: RpcClientInit
  readonly #pool: StreamPool
  readonly #retryTimes: RetryTimes
  /** Every stream opened and not yet closed, whatever it does now. */
  readonly #streams = new Map<FrameStream, Stream>()
  readonly #exchanges = new Set<{ cancel(reason: unknown): void }>()
  #stopped: RpcError | undefined

  constructor(init: RpcClientInit) {
    this.#init = init
    this.#retryTimes = new RetryTimes({ clock: init.clock, capacity: MAX_RETRY_TIMES })
    this.#pool = new StreamPool({ maxIdle: init.maxIdleStreams, idleMs: init.idleStreamMs })
  }

  start(): void {
    this.#stopped = undefined
  }

  /** Cancels every request and resets every stream. */
  stop(): void {
    const reason = new RpcError('RPC_NOT_CONNECTED', 'this node has stopped')
    this.#stopped = reason
    for (const exchange of [...this.#exchanges]) exchange.cancel(reason)
    for (const frames of [...this.#streams.keys()]) frames.abort(reason)
  }

  /** Asks a question, once the answer is iterated. */
  ask<Request, Response>(question: Question<Request, Response>): AsyncGenerator<Response, void, undefined> {
    const { peer, protocol } = question
    const id = this.#init.protocolId(protocol.name)
    const key = `${peer} ${id}`
    const retire = (frames: FrameStream) => void this.#retire(peer, protocol.name, frames)
    let startedMs = 0
    const exchange = new Exchange(question, {
      writeTimeoutMs: this.#init.writeTimeoutMs,
      reuse: () => this.#reuse(peer, key, retire),
      open: (signal) => this.#open(peer, id, signal),
      keep: (frames) => {
        if (this.#isPreferred(peer, frames)) this.#pool.put(key, frames, () => retire(frames))
        else retire(frames)
      },
      onBegin: () => {
        if (this.#stopped !== undefined) throw this.#stopped
        const retryAfterMs = this.#retryTimes.waitMs(key)
        if (retryAfterMs > 0) throw new RpcError('RPC_RATE_LIMITED', 'the peer asked us to wait', { retryAfterMs })
        startedMs = this.#init.clock.monotonic()
        this.#exchanges.add(exchange)
      },
      onEnd: (end) => {
        this.#exchanges.delete(exchange)
        this.#obey(key, end.error)
        this.#record(peer, protocol.name, end, this.#init.clock.monotonic() - startedMs)
      }
    })
    return exchange.answer()
  }

  async #open(peer: PeerId, id: string, signal: AbortSignal): Promise<FrameStream> {
    const stream = await openStream(this.#init.connectionsTo(peer), id, signal)
    const frames = new FrameStream(stream)
    this.#streams.set(frames, stream)
    stream.addEventListener('close', () => this.#streams.delete(frames))
    if (stream.status !== 'open') this.#streams.delete(frames) // closed before anyone listened
    return frames
  }

  #reuse(peer: PeerId, key: string, retire: (frames: FrameStream) => void): FrameStream | undefined {
    for (let kept = this.#pool.take(key); kept !== undefined; kept = this.#pool.take(key)) {
      if (this.#isPreferred(peer, kept)) return kept
      retire(kept)
    }
    return undefined
  }

  /** Whether a stream is on the connection that stays, should there be two: the other has to run dry, or it is closed in the middle of a request. */
  #isPreferred(peer: PeerId, frames: FrameStream): boolean {
    const stream = this.#streams.get(frames)
    return stream !== undefined && this.#init.connectionsTo(peer)[0]?.streams.includes(stream) === true
  }

  /** Ends a stream that is not kept any longer. Only what the peer still sends on it matters: how it closes does not. */
  async #retire(peer: PeerId, protocol: string, frames: FrameStream): Promise<void> {
    const last = await frames.finish(this.#init.requestTimeoutMs).catch(() => 'torn' as const)
    if (last !== 'bytes') return
    this.#fault(peer, protocol, new RpcError('RPC_UNEXPECTED_FRAME', 'bytes that nobody asked for'))
  }

  /** A peer that asks us to wait is not asked before: neither by who was told so, nor by anyone else. */
  #obey(key: string, error: unknown): void {
    if (!(error instanceof RpcError) || error.code !== 'RPC_RATE_LIMITED') return
    if (error.retryAfterMs !== undefined) this.#retryTimes.asked(key, error.retryAfterMs)
  }

  #record(peer: PeerId, protocol: string, { error, ...end }: ExchangeEnd, milliseconds: number): void {
    if (error instanceof RpcError && ANSWER_FAULTS.has(error.code)) this.#fault(peer, protocol, error)
    this.#init.onExchange({ side: 'client', peer, protocol, milliseconds, ...end })
  }

  #fault(peer: PeerId, protocol: string, error: RpcError): void {
    this.#init.onFault(peer, error, { side: 'client', protocol })
  }
}
