import type { Clock } from '../runtime/clock.ts'
import { singleLine } from '../runtime/single-line.ts'
import { judgeWait, type WaitFacts } from './judge-wait.ts'
import type { PeerAnswer, SyncWait } from './sync-wait.ts'

/** A chain that stands for less is on its way: an answer, a write, the first connection. */
const PATIENCE_MS = 2_000
/** Peers whose answers are kept: enough to see what they have in common. */
const MOST_ASKED = 16
/** Characters kept of an answer, which a peer may have written. */
const MOST_CHARACTERS = 240

interface Answer {
  readonly atMs: number
  readonly text: string
  readonly times: number
  readonly isFailure: boolean
}

/** Sees whether the chain comes on, and knows why not, since when, and who was asked. */
export class WaitWatch {
  readonly #clock: Clock
  readonly #answers = new Map<string, Answer>()
  #standing: { readonly stored: number; readonly sinceMs: number; readonly since: number } | undefined
  #current: SyncWait | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What the chain waits for, by the last look. */
  get current(): SyncWait | undefined {
    return this.#current
  }

  /** A peer said what it has, which is not what is lacking. */
  lacks(peerId: string, highest: number, lowest: number): void {
    if (this.#answers.get(peerId)?.isFailure === true) return
    this.#note(peerId, highest < lowest ? 'has no commits' : `has commits ${lowest} to ${highest}`, false)
  }

  /** A peer was asked for what is lacking, and failed. */
  failed(peerId: string, reason: string): void {
    this.#note(peerId, reason, true)
  }

  /** Looks whether the chain comes on. @param dials peers that could not be reached */
  look(facts: Omit<WaitFacts, 'failures'>, dials: () => readonly PeerAnswer[]): SyncWait | undefined {
    const { stored } = facts
    if (this.#standing !== undefined && this.#standing.stored !== stored) this.#goOn()
    const isAlone = facts.connected === 0
    const failures = isAlone ? [...dials()].slice(-MOST_ASKED) : this.#told((answer) => answer.isFailure)
    const judged = judgeWait({ ...facts, failures })
    if (judged === undefined) {
      this.#goOn()
      return undefined
    }
    const now = this.#clock.monotonic()
    this.#standing ??= { stored, sinceMs: this.#clock.now(), since: now }
    const { sinceMs, since } = this.#standing
    const isCertain = judged.cause === 'halted' || judged.cause === 'store-failing'
    const asked = judged.cause === 'no-peers' ? failures : this.#told(() => true)
    this.#current =
      isCertain || now - since >= PATIENCE_MS ? { ...judged, commit: stored + 1, sinceMs, asked } : undefined
    return this.#current
  }

  #goOn(): void {
    this.#standing = undefined
    this.#current = undefined
    this.#answers.clear()
  }

  #note(peerId: string, said: string, isFailure: boolean): void {
    const text = singleLine(said, MOST_CHARACTERS)
    const before = this.#answers.get(peerId)
    const times = before?.text === text ? before.times + 1 : 1
    this.#answers.delete(peerId) // the newest is last
    this.#answers.set(peerId, { atMs: this.#clock.now(), text, times, isFailure })
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > MOST_ASKED && oldest !== undefined) this.#answers.delete(oldest)
  }

  #told(isWanted: (answer: Answer) => boolean): PeerAnswer[] {
    return [...this.#answers]
      .filter(([, answer]) => isWanted(answer))
      .map(([peerId, { atMs, text, times }]) => ({
        peerId,
        atMs,
        answer: times > 1 ? `${text} (${times} times)` : text
      }))
  }
}
