import type { Clock } from '../runtime/clock.ts'
import { BoundedMap } from './bounded-map.ts'

/** One answer of a peer, as far as it was waited for: what we took our time for does not count. */
export interface MeasuredAnswer {
  readonly bytes: number
  /** Milliseconds until its first byte came; as long as it was waited for where none did. */
  readonly firstByteMs: number
  /** Milliseconds that it was waited for in all. */
  readonly milliseconds: number
  /** Whether it came to its good end. One that did not can only make a peer look slower. */
  readonly isWhole: boolean
}

/** How fast a peer answers. */
export interface PeerSpeed {
  /** Milliseconds until the first byte of an answer. */
  readonly latencyMs: number
  /** Bytes a second from then on; `undefined` where all its answers were too small to tell. */
  readonly bytesPerSecond: number | undefined
  /** Whether any of its answers came whole: else its latency is at least that. */
  readonly hasAnswered: boolean
}

interface Measured {
  readonly latencyMs: number
  readonly bytes: number
  readonly milliseconds: number
  readonly hasAnswered: boolean
  readonly at: number
}

export interface SpeedMeterInit {
  readonly clock: Clock
  /** Most peers remembered. */
  readonly capacity: number
}

/** The time of a smaller answer is latency, all of it: it says nothing of the rate, and hides no delay after its first byte. */
const SMALL_BYTES: number = 64 * 1024
/** What an answer says of the rate counts half once so many bytes more have come: the last few count, by their size. */
const HALF_LIFE_BYTES: number = 1024 * 1024
/** What an answer says of the latency fades by a fifth with each one after it. */
const KEEP = 0.8
/** A peer that was not asked for so long counts as unmeasured: it may be another by now. */
const FORGET_MS: number = 5 * 60_000
/** Latency of a peer, at least, none of whose answers came whole. */
const UNPROVEN_MS = 1_000

/** How fast peers answer: latency and rate apart, so that small answers, which are all latency, make no peer look slow, nor fast. */
export class SpeedMeter {
  readonly #clock: Clock
  readonly #measured: BoundedMap<string, Measured>

  constructor({ clock, capacity }: SpeedMeterInit) {
    this.#clock = clock
    this.#measured = new BoundedMap(capacity)
  }

  add(key: string, answer: MeasuredAnswer): void {
    const before = this.#get(key)
    const { bytes, firstByteMs, milliseconds, isWhole } = answer
    const isSmall = bytes < SMALL_BYTES
    const latencyMs = latencyAfter(before?.latencyMs, isSmall ? milliseconds : firstByteMs, isWhole)
    const fade = isSmall ? 1 : 2 ** (-bytes / HALF_LIFE_BYTES)
    const transferMs = isSmall ? 0 : Math.max(milliseconds - firstByteMs, 1) // a clock too coarse must not give an infinite rate
    this.#measured.set(key, {
      latencyMs,
      bytes: (before?.bytes ?? 0) * fade + (isSmall ? 0 : bytes),
      milliseconds: (before?.milliseconds ?? 0) * fade + transferMs,
      hasAnswered: isWhole || before?.hasAnswered === true,
      at: this.#clock.monotonic()
    })
  }

  /** `undefined` for a peer that has not answered lately. */
  speed(key: string): PeerSpeed | undefined {
    const measured = this.#get(key)
    if (measured === undefined) return undefined
    const { latencyMs, bytes, milliseconds, hasAnswered } = measured
    return { latencyMs, bytesPerSecond: milliseconds === 0 ? undefined : (bytes * 1_000) / milliseconds, hasAnswered }
  }

  #get(key: string): Measured | undefined {
    const measured = this.#measured.get(key)
    return measured === undefined || this.#clock.monotonic() - measured.at > FORGET_MS ? undefined : measured
  }
}

/** An answer that did not come whole took at least as long as it was waited for: it never makes a peer look faster than it did. */
function latencyAfter(before: number | undefined, sampleMs: number, isWhole: boolean): number {
  if (!isWhole) return Math.max(before ?? UNPROVEN_MS, sampleMs)
  return before === undefined ? sampleMs : before * KEEP + sampleMs * (1 - KEEP)
}
