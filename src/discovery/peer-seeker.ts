import type { PeerId } from '@libp2p/interface'
import type { PeerAddresses, Peers } from '../peers/peers.ts'
import type { Random } from '../runtime/random.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import { companyOf, planDials } from './dial-plan.ts'
import type { KeptCommittee } from './kept-committee.ts'
import type { KnownPeers } from './known-peers.ts'

export interface PeerSeekerInit {
  readonly known: KnownPeers
  readonly committee: KeptCommittee
  readonly peers: Peers
  readonly random: Random
  readonly tasks: TaskGroup
  readonly targetConnections: number
  /** A dial did not succeed: `failed` is to be called for it, and then `seek`, for its place is free. */
  readonly onFailed: (peerId: PeerId, isKept: boolean) => void
}

/** Most dials from one tick to the next: an address costs nothing to invent, and whoever does must not make us dial the whole world for it. */
const DIALS_PER_TICK = 30
/**
 * Peers gained at a turn, those that cannot be reached not counted: five from one tick to the next. A network that starts at once would have everyone dial everyone while
 * nobody knows much, and each new connection costs an exchange: `npm run bench -- discovery`.
 */
const GAIN_PER_TURN = 1
/** Dials under way while nobody is connected: some of those known may be gone. */
const DIALS_WHILE_ALONE = 5

/** Seeks connections to the peers that we are to keep, and to others up to the target. */
export class PeerSeeker {
  readonly #init: PeerSeekerInit
  #dialsLeft = 0
  #gainLeft = 0
  /** Kept peers that the last dial did not reach. */
  readonly #unreached = new Set<string>()

  constructor(init: PeerSeekerInit) {
    this.#init = init
  }

  /** A tick: there is a new allowance of dials. */
  tick(): void {
    this.#dialsLeft = DIALS_PER_TICK
    this.turn()
  }

  /** A turn: there is room for another. */
  turn(): void {
    this.#gainLeft = GAIN_PER_TURN
  }

  /** Takes note of a connection. */
  connected(peerId: PeerId): void {
    this.#init.committee.connected(peerId)
    this.#unreached.delete(peerId.toString())
  }

  /** Takes note of a failed dial. */
  failed(peerId: PeerId, isKept: boolean): void {
    if (!isKept) {
      this.#gainLeft += 1
      return
    }
    this.#unreached.add(peerId.toString())
    if (this.#init.committee.failed(peerId)) this.protect()
  }

  /** Protects those whom we keep: after any change of who they are. */
  protect(): void {
    const { known, peers, committee } = this.#init
    peers.protect(
      'configured',
      known.from('configured').map(({ peerId }) => peerId)
    )
    peers.protect('committee', committee.peers())
    const kept = new Set(this.#kept().map(String))
    for (const key of this.#unreached) if (!kept.has(key)) this.#unreached.delete(key)
  }

  /** Peers to be kept that no address leads to. */
  lacking(): PeerId[] {
    const { known, peers } = this.#init
    const connected = new Set(peers.connected().map(({ peerId }) => peerId.toString()))
    return this.#kept().filter((peerId) => {
      const key = peerId.toString()
      if (connected.has(key)) return false
      return this.#unreached.has(key) || known.get(peerId)?.addresses.length === 0
    })
  }

  /** Dials whom we want to be connected to, as far as there is anybody and the allowance lasts. */
  seek(): void {
    const { known, peers, committee, random, targetConnections: target } = this.#init
    const isOutsideTarget = (peerId: PeerId) => committee.isValidator && committee.has(peerId)
    const connected = peers.connected()
    const counted = connected.filter(({ peerId }) => !isOutsideTarget(peerId))
    const plan = planDials({
      known: known.list(),
      isKept: (peerId) => known.isFrom('configured', peerId) || committee.has(peerId),
      isOutsideTarget,
      taken: counted.length + peers.dialling,
      company: companyOf(connected, peers) + peers.dialling,
      outbound: counted.filter(({ direction }) => direction === 'outbound').length + peers.dialling,
      target,
      limit: Math.min(this.#dialsLeft, connected.length === 0 ? DIALS_WHILE_ALONE - peers.dialling : this.#gainLeft),
      random,
      canDial: (peerId) => peers.canDial(peerId),
      subnetOf: (address) => peers.subnetOf(address),
      hasRoomAt: (address) => peers.hasRoomAt(address)
    })
    for (const peer of plan.kept) this.#dial(peer, true)
    this.#dialsLeft -= plan.others.length
    this.#gainLeft -= plan.others.length
    for (const peer of plan.others) this.#dial(peer, false)
  }

  #dial(peer: PeerAddresses, isKept: boolean): void {
    const { peers, tasks, onFailed } = this.#init
    tasks.run(async (signal) => {
      if ((await peers.dial(peer, { signal })) === 'failed') onFailed(peer.peerId, isKept)
    })
  }

  #kept(): PeerId[] {
    const { known, committee } = this.#init
    return [...known.from('configured').map(({ peerId }) => peerId), ...committee.peers()]
  }
}
