import type { PeerId } from '@libp2p/interface'
import type { PeerAddresses } from '../peers/peers.ts'
import { type Random, shuffled } from '../runtime/random.ts'

export interface KeptCommitteeInit {
  readonly self: PeerId
  /** Validators that a node which is none of them stays connected to. */
  readonly count: number
  readonly random: Random
}

/** After so many failed dials in a row a full node keeps another validator. */
const MAX_FAILURES = 3

/**
 * Which validators a node stays connected to: a validator all the others, a full node a random few, so that the committee does not have to carry every
 * full node. A full node that cannot reach one of its few takes another.
 */
export class KeptCommittee {
  readonly #init: KeptCommitteeInit
  #isValidator = false
  /** In random order; the first are kept. */
  #order: PeerId[] = []
  #kept = new Map<string, PeerId>()
  readonly #failures = new Map<string, number>()

  constructor(init: KeptCommitteeInit) {
    this.#init = init
  }

  /** Whether this node is of the committee. */
  get isValidator(): boolean {
    return this.#isValidator
  }

  /** Those kept. */
  peers(): PeerId[] {
    return [...this.#kept.values()]
  }

  has(peerId: PeerId): boolean {
    return this.#kept.has(peerId.toString())
  }

  /** Takes a new committee. Of the few, those stay who are still in it. */
  set(committee: readonly PeerAddresses[]): void {
    const { self, random } = this.#init
    this.#isValidator = committee.some(({ peerId }) => peerId.equals(self))
    const others = shuffled(
      random,
      committee.map(({ peerId }) => peerId).filter((peerId) => !peerId.equals(self))
    )
    this.#order = [...others.filter((peerId) => this.has(peerId)), ...others.filter((peerId) => !this.has(peerId))]
    this.#failures.clear()
    this.#choose()
  }

  /** Takes note of a connection. */
  connected(peerId: PeerId): void {
    this.#failures.delete(peerId.toString())
  }

  /** Takes note of a failed dial. @returns whether another is kept instead */
  failed(peerId: PeerId): boolean {
    const key = peerId.toString()
    if (this.#isValidator || !this.#kept.has(key)) return false
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    if (failures < MAX_FAILURES || this.#order.length <= this.#kept.size) return false
    this.#failures.delete(key)
    this.#order = [...this.#order.filter((other) => !other.equals(peerId)), peerId]
    this.#choose()
    return true
  }

  #choose(): void {
    const kept = this.#isValidator ? this.#order : this.#order.slice(0, this.#init.count)
    this.#kept = new Map(kept.map((peerId) => [peerId.toString(), peerId]))
  }
}
