import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ConnectedPeer, Peers } from '../peers/peers.ts'
import { type Random, randomInteger, shuffled } from '../runtime/random.ts'
import type { KnownPeer } from './known-peer.ts'

export interface DialPlanInput {
  readonly known: readonly KnownPeer[]
  /** Peers to be connected to always: configured ones and those kept of the committee. */
  readonly isKept: (peerId: PeerId) => boolean
  /** Of those, the ones that do not count for the target. */
  readonly isOutsideTarget: (peerId: PeerId) => boolean
  /** Peers connected or being dialled, as far as they count for the target. */
  readonly taken: number
  /** Company of those connected: see {@link companyOf}. @default that all taken are of different subnets */
  readonly company?: number
  /** Of those taken, the ones that we dialled or are dialling. */
  readonly outbound: number
  /** Peers to be connected to. */
  readonly target: number
  /** Most peers to begin to dial beside the kept ones. */
  readonly limit: number
  readonly random: Random
  /** Whether a peer could be dialled now. */
  readonly canDial: (peerId: PeerId) => boolean
  /** The subnet of an address; `undefined` where none is counted. */
  readonly subnetOf: (address: Multiaddr) => string | undefined
  /** Whether one more peer may be connected in the subnet of an address. */
  readonly hasRoomAt: (address: Multiaddr) => boolean
}

/** Whom to dial now. */
export interface DialPlan {
  /** Kept peers, whatever the target. */
  readonly kept: readonly KnownPeer[]
  /** Others, up to the target. */
  readonly others: readonly KnownPeer[]
}

/** Of the target, the part that we dial ourselves however many have dialled us: nobody else chose those. */
const OUTBOUND_SHARE = 1 / 2
/** With less than this part of the target a node is isolated. */
const ISOLATED_SHARE = 1 / 4

/** Fewest peers that we dial ourselves, for a target. */
export function outboundShare(target: number): number {
  return Math.ceil(target * OUTBOUND_SHARE)
}

/** How many peers there are, those of one subnet being no more than one: whoever has a subnet must not be all that we know of the world. */
export function companyOf(connected: readonly ConnectedPeer[], peers: Pick<Peers, 'subnetOf'>): number {
  return new Set(connected.map(({ peerId, address }) => peers.subnetOf(address) ?? peerId.toString())).size
}

/** Whether a company is too small: seeds are dialled then, and the DHT is asked. */
export function isIsolated(company: number, target: number): boolean {
  return company < Math.ceil(target * ISOLATED_SHARE)
}

/**
 * Whom to dial now: every kept peer; then, up to the target, others, drawn by who introduced them first and at random second, so that nobody steers the
 * choice by introducing many, and one of a subnet at a time. Seeds come before them where we would be isolated else, all that one introducer told of counted
 * as one: it may have invented them.
 */
export function planDials(input: DialPlanInput): DialPlan {
  const {
    known,
    isKept,
    isOutsideTarget,
    taken,
    company = taken,
    outbound,
    target,
    limit,
    random,
    canDial,
    hasRoomAt
  } = input
  const candidates = known.filter((peer) => peer.addresses.length > 0 && canDial(peer.peerId))
  const kept = shuffled(
    random,
    candidates.filter(({ peerId }) => isKept(peerId))
  )
  const free = candidates.filter(
    ({ peerId, addresses: [first] }) => !isKept(peerId) && first !== undefined && hasRoomAt(first)
  )
  const counted = kept.filter(({ peerId }) => !isOutsideTarget(peerId)).length
  const wanted = Math.max(target - taken, outboundShare(target) - outbound) - counted
  const room = Math.max(0, Math.min(limit, wanted))
  const drawn = draw(
    free.filter(({ source }) => source !== 'seed'),
    room,
    input
  )
  const seeds = shuffled(
    random,
    free.filter(({ source }) => source === 'seed')
  )
  const isAlone = isIsolated(company + counted + new Set(drawn.map(toldBy)).size, target)
  return { kept, others: isAlone ? [...seeds, ...drawn].slice(0, room) : drawn }
}

function toldBy({ introducer, source }: KnownPeer): string {
  return introducer ?? source
}

/** Draws one peer of each introducer in turn, the introducers in random order, and at most one of a subnet. */
function draw(peers: readonly KnownPeer[], count: number, { random, subnetOf }: DialPlanInput): KnownPeer[] {
  const groups = new Map<string, KnownPeer[]>()
  for (const peer of peers) {
    const key = toldBy(peer)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [peer])
    else group.push(peer)
  }
  const drawn: KnownPeer[] = []
  const subnets = new Set<string>()
  let turn = shuffled(random, groups.values())
  while (turn.length > 0 && drawn.length < count) {
    for (const group of turn) {
      const [peer] = group.splice(randomInteger(random, group.length), 1)
      if (peer === undefined || drawn.length === count) continue
      const subnet = peer.addresses[0] && subnetOf(peer.addresses[0])
      if (subnet !== undefined && subnets.has(subnet)) continue
      if (subnet !== undefined) subnets.add(subnet)
      drawn.push(peer)
    }
    turn = turn.filter((group) => group.length > 0)
  }
  return drawn
}
