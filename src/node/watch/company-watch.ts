import type { NewEvent } from '../node-events.ts'
import { formatSpan } from './format-span.ts'

/** Milliseconds without a peer before it is told: at the start somebody has to be found first. */
const ALONE_MS = 10_000

/** Tells when a node has been without any peer for a while, and when it has company again. */
export class CompanyWatch {
  #aloneSince: number | undefined
  #isTold = false

  /** @param connected peers @param now monotonic milliseconds */
  look(connected: number, known: number, now: number): NewEvent | undefined {
    if (connected > 0) {
      const aloneMs = now - (this.#aloneSince ?? now)
      const wasTold = this.#isTold
      this.#aloneSince = undefined
      this.#isTold = false
      if (!wasTold) return undefined
      const text = `in company again, after ${formatSpan(aloneMs)} without a peer`
      return { level: 'info', kind: 'company', text, data: { peers: connected, aloneMs: Math.round(aloneMs) } }
    }
    this.#aloneSince ??= now
    if (this.#isTold || now - this.#aloneSince < ALONE_MS) return undefined
    this.#isTold = true
    const text = `isolated: no peer is connected, of ${known} known; the node goes on looking for some`
    return { level: 'warn', kind: 'isolated', text, data: { known } }
  }
}
