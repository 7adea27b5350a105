import type { PeerId } from '@libp2p/interface'
import type { Peers } from '../peers/peers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Clock } from '../runtime/clock.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import type { GetKnownPeersRequest, GetKnownPeersResponse } from './messages.ts'
import { getKnownPeers } from './protocols.ts'

export interface ExchangesInit {
  readonly rpc: Rpc
  readonly peers: Peers
  readonly clock: Clock
  readonly tasks: TaskGroup
  /** Called when it is the peer's turn: the request tells what is known by then. */
  readonly requestFor: (peerId: PeerId) => GetKnownPeersRequest
  /** Takes an answer, and calls `done` once it has worked on it; false when it cannot take it. */
  readonly onAnswer: (peerId: PeerId, response: GetKnownPeersResponse) => boolean
}

interface Waiting {
  readonly peerId: PeerId
  readonly isWorthwhile: () => boolean
}

/** Most exchanges under way, answers not yet worked on included: each may hold an answer of 1 MiB. */
const MAX_UNDER_WAY = 16
/** Of those, the ones with peers that are not slow: who is asked at the same time sends the same, who is asked afterwards leaves out what the others brought. */
const MAX_PROMPT = 3
/** From when on a peer is slow, in milliseconds: others are asked beside it, so that silent ones hold up nobody for long. */
const SLOW_MS = 1_000

/** Asks peers for what they know: one exchange a peer at a time, and a bounded number in all. */
export class Exchanges {
  readonly #init: ExchangesInit
  /** What ends with each exchange. */
  readonly #underWay = new Map<string, AbortController>()
  readonly #prompt = new Set<string>()
  readonly #waiting = new Map<string, Waiting>()
  #succeeded = 0
  #failed = 0

  constructor(init: ExchangesInit) {
    this.#init = init
  }

  get counts(): { underWay: number; succeeded: number; failed: number } {
    return { underWay: this.#underWay.size, succeeded: this.#succeeded, failed: this.#failed }
  }

  /**
   * Asks a connected peer as soon as there is room.
   *
   * @param isWorthwhile asked again then: others may have told what was to be learned. @default it is
   */
  ask(peerId: PeerId, isWorthwhile: () => boolean = () => true): void {
    this.#waiting.set(peerId.toString(), { peerId, isWorthwhile })
    this.#next()
  }

  /** Leaves all but those connected unasked: that one has disconnected may have been told while there was no room for it. */
  retain(connected: readonly PeerId[]): void {
    const keys = new Set(connected.map(String))
    for (const [key, { peerId }] of this.#waiting) if (!keys.has(key)) this.cancel(peerId)
  }

  /** Leaves a peer that has disconnected unasked. */
  cancel(peerId: PeerId): void {
    this.#waiting.delete(peerId.toString())
  }

  /** The answer of a peer has been worked on. */
  done(peerId: PeerId): void {
    const key = peerId.toString()
    this.#underWay.get(key)?.abort()
    this.#underWay.delete(key)
    this.#prompt.delete(key)
    this.#next()
  }

  #next(): void {
    const { tasks } = this.#init
    if (tasks.signal.aborted) return
    for (const [key, { peerId, isWorthwhile }] of this.#waiting) {
      if (this.#underWay.size >= MAX_UNDER_WAY || this.#prompt.size >= MAX_PROMPT) return
      if (this.#underWay.has(key)) continue // once more when that one is done
      this.#waiting.delete(key)
      if (!isWorthwhile()) continue
      const ended = new AbortController()
      this.#underWay.set(key, ended)
      this.#prompt.add(key)
      tasks.run((signal) => this.#exchange(peerId, signal))
      tasks.run((signal) => this.#becomeSlow(key, AbortSignal.any([signal, ended.signal])))
    }
  }

  async #exchange(peerId: PeerId, signal: AbortSignal): Promise<void> {
    const { rpc, peers, requestFor, onAnswer } = this.#init
    try {
      const response = await rpc.call(peerId, getKnownPeers, requestFor(peerId), { signal })
      this.#succeeded += 1
      if (!onAnswer(peerId, response)) this.done(peerId)
    } catch (thrown) {
      if (signal.aborted) return
      this.#failed += 1
      peers.report(peerId, thrown, { during: getKnownPeers.name })
      this.done(peerId)
    }
  }

  /** Makes room for another, unless the exchange ends before. */
  async #becomeSlow(key: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#init.clock.sleep(SLOW_MS, { signal })
    } catch (thrown) {
      if (signal.aborted) return
      throw thrown
    }
    this.#prompt.delete(key)
    this.#next()
  }
}
