import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Milliseconds between the marks by which the delay is measured; what is measured includes them. */
const RESOLUTION_MS = 10
/** Milliseconds that a measurement lasts: enough marks for a percentile, and soon over when the load is. */
const PERIOD_MS = 500
/** What one late mark in ten is worth: a single collection of garbage is no load. */
const PERCENTILE = 90

/** How late the event loop of this process is: what waits in it waits about so long. */
export class LoopDelay {
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #recentMs = 0

  /** In milliseconds, over the last half second; 0 before that, and when it does not run. */
  get recentMs(): number {
    return this.#recentMs
  }

  /** Begins to measure. Idempotent. */
  start(): void {
    if (this.#timer !== undefined) return
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    histogram.enable()
    this.#histogram = histogram
    this.#timer = setInterval(() => {
      this.#recentMs = Math.max(0, histogram.percentile(PERCENTILE) / 1e6 - RESOLUTION_MS)
      histogram.reset()
    }, PERIOD_MS).unref()
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#timer)
    this.#histogram?.disable()
    this.#timer = undefined
    this.#recentMs = 0
  }
}
