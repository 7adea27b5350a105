import type { SyncWait } from '../../state-sync/index.ts'
import type { NewEvent } from '../node-events.ts'
import { formatSpan } from './format-span.ts'

/** When it is told again, in milliseconds after the first time: and every hour from then on. */
const AGAIN_MS: readonly number[] = [1, 5, 15, 60].map((minutes) => minutes * 60_000)
const HOUR_MS: number = 60 * 60_000
/** It goes on when nothing was lacking for so long: a chain that is fed a commit at a time is stuck all the same. */
const SETTLED_MS = 2_000

/** A wait is a look or two old when it is first seen. */
const MOST_SEEN_LATE_MS = 5_000

/** What is waited for now. */
interface Waiting {
  readonly commit: number
  readonly since: number
  readonly cause: SyncWait['cause']
  readonly causeSince: number
}

/** Told once, and why. */
interface Stuck {
  readonly since: number
  readonly cause: SyncWait['cause']
  times: number
  nextAt: number
  /** Since when it has not been waiting. */
  freeSince: number | undefined
}

/** Tells when the sync is stuck: what it waits for, since when, who was asked and what they answered; again at growing intervals; and when it goes on. */
export class StuckWatch {
  #waiting: Waiting | undefined
  #stuck: Stuck | undefined
  readonly #stuckMs: number

  /** @param stuckMs milliseconds that the chain stands before it is told */
  constructor(stuckMs: number) {
    this.#stuckMs = stuckMs
  }

  /** @param now monotonic milliseconds @param nowMs milliseconds since the Unix epoch */
  look(wait: SyncWait | undefined, stored: number, now: number, nowMs: number): NewEvent | undefined {
    if (wait === undefined) return this.#free(stored, now)
    const { since, causeSince } = this.#see(wait, now, nowMs)
    const stuck = this.#stuck
    if (stuck !== undefined) stuck.freeSince = undefined
    if (stuck?.cause === wait.cause) return this.#again(wait, stuck, now)
    // the first time it counts how long it stands, for whatever causes; then for how long another cause holds
    const isDue = wait.cause === 'halted' || now - (stuck === undefined ? since : causeSince) >= this.#stuckMs
    if (!isDue) return undefined
    const begun = stuck?.since ?? since
    this.#stuck = {
      since: begun,
      cause: wait.cause,
      times: 0,
      nextAt: now + (AGAIN_MS[0] ?? HOUR_MS),
      freeSince: undefined
    }
    return tell(wait, now - begun)
  }

  #see({ commit, cause, sinceMs }: SyncWait, now: number, nowMs: number): Waiting {
    const before = this.#waiting?.commit === commit ? this.#waiting : undefined
    const since = before?.since ?? now - Math.min(Math.max(0, nowMs - sinceMs), MOST_SEEN_LATE_MS)
    const causeSince = before === undefined ? since : before.cause === cause ? before.causeSince : now
    this.#waiting = { commit, since, cause, causeSince }
    return this.#waiting
  }

  #again(waiting: SyncWait, stuck: Stuck, now: number): NewEvent | undefined {
    if (now < stuck.nextAt) return undefined
    stuck.times += 1
    const passed = AGAIN_MS[stuck.times - 1] ?? HOUR_MS
    const after = AGAIN_MS[stuck.times]
    stuck.nextAt = now + (after === undefined ? HOUR_MS : after - passed)
    return tell(waiting, now - stuck.since)
  }

  #free(stored: number, now: number): NewEvent | undefined {
    this.#waiting = undefined
    const stuck = this.#stuck
    if (stuck === undefined) return undefined
    stuck.freeSince ??= now
    if (now - stuck.freeSince < SETTLED_MS) return undefined
    this.#stuck = undefined
    const stoodMs = Math.round(stuck.freeSince - stuck.since)
    return {
      level: 'info',
      kind: 'going-on',
      text: `the sync goes on, at commit ${stored}: it stood for ${formatSpan(stoodMs)}`,
      data: { commit: stored, stoodMs, cause: stuck.cause }
    }
  }
}

function tell({ cause, commit, explanation, asked, sinceMs }: SyncWait, stoodMs: number): NewEvent {
  const answers = asked.map(({ peerId, answer }) => `${peerId}: ${answer}`).join(' | ')
  const begin =
    cause === 'halted'
      ? 'the sync has '
      : `the sync stands before commit ${commit} for ${formatSpan(stoodMs)} (${cause}): `
  return {
    level: cause === 'store-failing' || cause === 'halted' ? 'error' : 'warn',
    kind: cause === 'halted' ? 'halted' : 'stuck',
    text: `${begin}${explanation}${answers === '' ? '' : `; asked: ${answers}`}`,
    data: { commit, cause, sinceMs, stoodMs: Math.round(stoodMs), asked: asked.length }
  }
}
