import { BoundedMap } from './bounded-map.ts'

interface Delivered {
  readonly bytes: number
  readonly milliseconds: number
}

/** What a delivery adds fades by a fifth with each one after it: the last ten or so count, large ones more. */
const KEEP = 0.8

/**
 * How fast peers deliver: bytes and time fade together, and the rate is their quotient. An average of the rates of single
 * deliveries would let many tiny ones outweigh a large one.
 */
export class DeliveryMeter {
  readonly #delivered: BoundedMap<string, Delivered>

  /** @param capacity most peers remembered */
  constructor(capacity: number) {
    this.#delivered = new BoundedMap(capacity)
  }

  add(key: string, bytes: number, milliseconds: number): void {
    const before = this.#delivered.get(key) ?? { bytes: 0, milliseconds: 0 }
    this.#delivered.set(key, {
      bytes: before.bytes * KEEP + bytes,
      milliseconds: before.milliseconds * KEEP + Math.max(milliseconds, 1) // a clock too coarse must not give an infinite rate
    })
  }

  /** Bytes a second; `undefined` for a peer that has delivered nothing yet. */
  bytesPerSecond(key: string): number | undefined {
    const delivered = this.#delivered.get(key)
    return delivered && (delivered.bytes * 1_000) / delivered.milliseconds
  }
}
