import type { Clock } from '../runtime/clock.ts'
import { BoundedMap } from './bounded-map.ts'

export interface PenaltyTableInit {
  readonly clock: Clock
  /** Milliseconds after which a penalty counts half. */
  readonly halfLifeMs: number
  /** Most peers remembered. */
  readonly capacity: number
}

interface Penalty {
  readonly points: number
  readonly at: number
}

/** Penalties by peer, fading with time. */
export class PenaltyTable {
  readonly #init: PenaltyTableInit
  readonly #penalties: BoundedMap<string, Penalty>

  constructor(init: PenaltyTableInit) {
    this.#init = init
    this.#penalties = new BoundedMap(init.capacity)
  }

  /** Adds a point and returns how many there are now. */
  add(key: string): number {
    const points = this.points(key) + 1
    this.#penalties.set(key, { points, at: this.#init.clock.monotonic() })
    return points
  }

  points(key: string): number {
    const penalty = this.#penalties.get(key)
    if (penalty === undefined) return 0
    return penalty.points * 2 ** (-(this.#init.clock.monotonic() - penalty.at) / this.#init.halfLifeMs)
  }

  clear(key: string): void {
    this.#penalties.delete(key)
  }
}
