import type { Clock } from '../runtime/clock.ts'
import { RateLimiter } from './rate-limiter.ts'
import { RpcError } from './rpc-error.ts'

/** When to come again to a server that is busy, in milliseconds: some answers' time. */
const BUSY_RETRY_MS = 100
/** Peers times protocols whose rate is remembered: more than libp2p's default of 300 connections can bring. */
const MAX_RATES = 4_096

export interface AdmissionLimits {
  /** Requests of one peer under way at once, for each protocol. */
  readonly maxInFlightPerPeer: number
  /** Requests under way at once in all. */
  readonly maxInFlight: number
  /** Requests a second of one peer, for each protocol. */
  readonly requestsPerSecond: number
  /** Requests that a peer may make at once after a rest, for each protocol. */
  readonly requestBurst: number
}

/** Decides who is served now, before any work is done. Keys stand for a peer and a protocol. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #rates: RateLimiter
  readonly #inFlight = new Map<string, number>()
  #total = 0

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits
    const { requestsPerSecond: perSecond, requestBurst: burst } = limits
    this.#rates = new RateLimiter({ perSecond, burst, capacity: MAX_RATES, clock })
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#total
  }

  /** Lets a request in, until `leave`. Otherwise returns why not. */
  enter(key: string): RpcError | undefined {
    const ofKey = this.#inFlight.get(key) ?? 0
    if (ofKey >= this.#limits.maxInFlightPerPeer) return refusal('too many requests at once', BUSY_RETRY_MS)
    if (this.#total >= this.#limits.maxInFlight) return refusal('busy', BUSY_RETRY_MS)
    const waitMs = this.#rates.take(key)
    if (waitMs > 0) return refusal('too many requests', waitMs)
    this.#inFlight.set(key, ofKey + 1)
    this.#total += 1
    return undefined
  }

  /** Ends a request that was let in. */
  leave(key: string): void {
    const left = (this.#inFlight.get(key) ?? 0) - 1
    if (left > 0) this.#inFlight.set(key, left)
    else this.#inFlight.delete(key)
    this.#total -= 1
  }
}

function refusal(message: string, retryAfterMs: number): RpcError {
  return new RpcError('RPC_RATE_LIMITED', message, { retryAfterMs })
}
