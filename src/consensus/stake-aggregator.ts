import type { Committee } from './committee.ts'
import { QUORUM_STAKE, VALIDITY_STAKE } from './limits.ts'

/** Adds up the voting power of distinct validators. */
export class StakeAggregator {
  readonly #committee: Committee
  readonly #members = new Set<number>()
  #stake = 0

  constructor(committee: Committee) {
    this.#committee = committee
  }

  /**
   * Counts a validator, once however often it is added. Indexes outside the committee count nothing.
   *
   * @returns whether it was new
   */
  add(index: number): boolean {
    const validator = this.#committee.validators[index]
    if (validator === undefined || this.#members.has(index)) return false
    this.#members.add(index)
    this.#stake += validator.votingPower
    return true
  }

  get stake(): number {
    return this.#stake
  }

  get size(): number {
    return this.#members.size
  }

  /** At least 6,667 of 10,000. */
  get hasQuorum(): boolean {
    return this.#stake >= QUORUM_STAKE
  }

  /** At least 3,334 of 10,000: one of them is honest. */
  get hasValidity(): boolean {
    return this.#stake >= VALIDITY_STAKE
  }
}
