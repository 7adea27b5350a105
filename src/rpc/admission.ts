import type { Clock } from '../runtime/clock.ts'
import { type Rate, RateLimiter, requireRate } from './rate-limiter.ts'
import { RetryTimes } from './retry-times.ts'
import { RpcError } from './rpc-error.ts'
import type { Asker } from './serving-turns.ts'

/** When to come again to a server that is busy, in milliseconds: some answers' time. */
const BUSY_RETRY_MS = 100
/** Peers whose rate is remembered, for each protocol: more than libp2p's default of 300 connections can bring. */
const MAX_RATES = 4_096
/** Nobody has more requests under way than such a part of those that there is room for (dynamic thresholds): something is left for whoever comes next. */
const PART_OF_FREE = 1 / 4
/** What nobody but reserved peers may take of the requests under way. */
const RESERVED_PART = 1 / 4
/** Bytes of requests that count for a unit: they have been decrypted before anything can be refused, whatever they ask for. */
const REQUEST_BYTES_PER_UNIT = 4 * 1024
/** A request that comes while its peer should wait counts for so many units when it is of the greatest length, and for one at least. */
const UNITS_OF_LONGEST = 32
/** How much of a peer may come while it should wait, in such units: what it can have sent before it was told so, and then ten requests a second. Who sends more does not listen. */
const UNHEEDED: Rate = { perSecond: 10, burst: 8 * UNITS_OF_LONGEST }

export interface AdmissionLimits {
  /** Requests of one peer under way at once, for each protocol. */
  readonly maxInFlightPerPeer: number
  /** Requests under way at once in all. */
  readonly maxInFlight: number
  /** Units a second of one peer, for each protocol that says nothing else. */
  readonly requestsPerSecond: number
  /** Units that a peer may take at once after a rest, for each protocol that says nothing else. */
  readonly requestBurst: number
}

/** A request to be let in. */
export interface Admitted {
  readonly asker: Asker
  /** The protocol's name. */
  readonly protocol: string
  /** Bytes of the request's frame. @default few */
  readonly bytes?: number
  /** @default that of every protocol */
  readonly rate?: Rate | undefined
}

/** Decides who is served now, before any work is done. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #clock: Clock
  readonly #rates = new Map<string, RateLimiter>()
  readonly #unheeded: RateLimiter
  /** Who was told to wait, by peer and protocol. */
  readonly #told: RetryTimes
  /** Requests under way of each peer, by protocol. */
  readonly #inFlight = new Map<string, Map<string, number>>()
  /** Until when those who took their answers too slowly are put off. */
  readonly #putOff = new Map<string, number>()
  #total = 0
  #strangers = 0

  /** @throws {RangeError} for limits that are no rate */
  constructor(limits: AdmissionLimits, clock: Clock) {
    requireRate({ perSecond: limits.requestsPerSecond, burst: limits.requestBurst })
    this.#limits = limits
    this.#clock = clock
    this.#unheeded = new RateLimiter({ ...UNHEEDED, capacity: MAX_RATES, clock })
    this.#told = new RetryTimes({ clock, capacity: MAX_RATES })
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#total
  }

  /** Lets a request in, until `leave`, for what its bytes count in its rate, a unit at least. Otherwise returns why not. */
  enter(request: Admitted): RpcError | undefined {
    const { asker, protocol } = request
    const own = this.#inFlight.get(asker.key)
    const ofProtocol = own?.get(protocol) ?? 0
    const putOffMs = (this.#putOff.get(asker.key) ?? 0) - this.#clock.monotonic()
    if (putOffMs > 0) return refusal('others wait', Math.ceil(putOffMs))
    if (ofProtocol >= this.#limits.maxInFlightPerPeer) return refusal('too many requests at once', BUSY_RETRY_MS)
    if (!this.#hasRoom(asker, own)) return refusal('busy', BUSY_RETRY_MS)
    const waitMs = this.#rateOf(request).take(asker.key, unitsToRead(request.bytes))
    if (waitMs > 0) return refusal('too many requests', waitMs)
    if (own === undefined) this.#inFlight.set(asker.key, new Map([[protocol, 1]]))
    else own.set(protocol, ofProtocol + 1)
    this.#count(asker, 1)
    return undefined
  }

  /** Takes the units that a request that was let in counts for, beyond those of its bytes. Otherwise returns why not. */
  charge(request: Admitted, cost: number): RpcError | undefined {
    const units = cost - unitsToRead(request.bytes)
    if (units <= 0) return undefined
    const waitMs = this.#rateOf(request).take(request.asker.key, units)
    return waitMs > 0 ? refusal('too much asked for', waitMs) : undefined
  }

  /** Ends a request that was let in. */
  leave({ asker, protocol }: Admitted): void {
    const own = this.#inFlight.get(asker.key)
    const left = (own?.get(protocol) ?? 0) - 1
    if (left > 0) own?.set(protocol, left)
    else own?.delete(protocol)
    if (own?.size === 0) this.#inFlight.delete(asker.key)
    this.#count(asker, -1)
  }

  /** Takes note that a peer was told when to come again: all its requests of the protocol wait until then. */
  tellToWait(key: string, protocol: string, milliseconds: number): void {
    this.#told.asked(`${key} ${protocol}`, milliseconds)
  }

  /** Milliseconds that a peer still has to wait as it was told; 0 when it may ask. */
  waitMs(key: string, protocol: string): number {
    return this.#told.waitMs(`${key} ${protocol}`)
  }

  /**
   * Counts what came while its peer should wait. Returns whether it was so much that the peer does not listen.
   *
   * @param bytes of requests
   * @param longest most bytes of one request
   */
  unheeded(key: string, bytes: number, longest: number): boolean {
    return this.#unheeded.take(key, Math.max(1, Math.ceil((bytes * UNITS_OF_LONGEST) / longest))) > 0
  }

  /** Refuses a peer for a while. */
  putOff(key: string, milliseconds: number): void {
    const now = this.#clock.monotonic()
    for (const [other, until] of this.#putOff) if (until <= now) this.#putOff.delete(other)
    if (this.#putOff.size < MAX_RATES) this.#putOff.set(key, now + milliseconds)
  }

  #hasRoom({ isReserved }: Asker, own: ReadonlyMap<string, number> | undefined): boolean {
    const { maxInFlight } = this.#limits
    const free = isReserved ? maxInFlight - this.#total : Math.ceil(maxInFlight * (1 - RESERVED_PART)) - this.#strangers
    if (own === undefined) return free > 0
    let count = 0
    for (const ofProtocol of own.values()) count += ofProtocol
    return count < free * PART_OF_FREE
  }

  #count({ isReserved }: Asker, by: 1 | -1): void {
    this.#total += by
    if (!isReserved) this.#strangers += by
  }

  #rateOf({ protocol, rate }: Admitted): RateLimiter {
    let limiter = this.#rates.get(protocol)
    if (limiter === undefined) {
      const { requestsPerSecond: perSecond, requestBurst: burst } = this.#limits
      const clock = this.#clock
      limiter = new RateLimiter({ ...(rate ?? { perSecond, burst }), capacity: MAX_RATES, clock })
      this.#rates.set(protocol, limiter)
    }
    return limiter
  }
}

function unitsToRead(bytes = 0): number {
  return Math.max(1, Math.ceil(bytes / REQUEST_BYTES_PER_UNIT))
}

function refusal(message: string, retryAfterMs: number): RpcError {
  return new RpcError('RPC_RATE_LIMITED', message, { retryAfterMs })
}
