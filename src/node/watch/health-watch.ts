import type { Health } from '../../runtime/health.ts'
import type { NewEvent } from '../node-events.ts'

/** Parts whose trouble has an event of its own, which explains it: see `StuckWatch`. */
const EXPLAINED_ELSEWHERE: ReadonlySet<string> = new Set(['state-sync', 'epoch'])
/** Milliseconds before another reason is told while the state is the same: reasons may count something. */
const OTHER_REASON_MS = 60_000
const LEVELS = { ok: 'info', degraded: 'warn', failed: 'error' } as const

/** Tells when the health of a part of the node changes. */
export class HealthWatch {
  readonly #told = new Map<string, { readonly health: Health; readonly at: number }>()

  /** @param now monotonic milliseconds */
  look(parts: Readonly<Record<string, Health>>, now: number): NewEvent[] {
    return Object.entries(parts).flatMap(([part, health]) => {
      if (EXPLAINED_ELSEWHERE.has(part)) return []
      const told = this.#told.get(part) ?? { health: { state: 'ok' }, at: Number.NEGATIVE_INFINITY }
      const isSameState = told.health.state === health.state
      if (isSameState && (reasonOf(told.health) === reasonOf(health) || now - told.at < OTHER_REASON_MS)) return []
      this.#told.set(part, { health, at: now })
      const { state } = health
      const why = health.state === 'ok' ? '' : `: ${health.reason}`
      const kind = part === 'executor' ? 'executor' : 'health'
      return [
        {
          level: LEVELS[state],
          kind,
          text: `${part} ${state === 'failed' ? 'has failed' : `is ${state}`}${why}`,
          data: { part, state }
        } as const
      ]
    })
  }
}

function reasonOf(health: Health): string {
  return health.state === 'ok' ? '' : health.reason
}
