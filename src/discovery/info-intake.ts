import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import type { Digest } from '../consensus/digest.ts'
import type { Peers } from '../peers/peers.ts'
import type { Clock } from '../runtime/clock.ts'
import type { DiscoveryEvent } from './discovery.ts'
import { DISCOVERY_CONSEQUENCES, DiscoveryError, type DiscoveryErrorCode } from './discovery-error.ts'
import type { KnownPeers } from './known-peers.ts'
import { type NodeInfo, type OpenRules, openNodeInfo } from './node-info.ts'
import { getKnownPeers } from './protocols.ts'

/** Sealed infos that a peer handed over. */
export interface Received {
  readonly from: PeerId
  readonly ownInfo: Uint8Array | undefined
  readonly relayed: readonly Uint8Array[]
}

export interface InfoIntakeInit {
  readonly chainId: Digest
  readonly self: PeerId
  readonly known: KnownPeers
  readonly peers: Peers
  readonly clock: Clock
  readonly privateNetwork: boolean
  readonly onEvent: (event: DiscoveryEvent) => void
}

/** A signature check takes about 0.1 ms: after so many infos others have their turn. */
const INFOS_PER_TURN = 32

/** Opens what peers hand over, and puts it into the table. */
export class InfoIntake {
  readonly #init: InfoIntakeInit
  readonly #refused = new Map<DiscoveryErrorCode, number>()
  #learned = 0
  #crowdedOut = 0

  constructor(init: InfoIntakeInit) {
    this.#init = init
  }

  /** Infos taken. */
  get learned(): number {
    return this.#learned
  }

  /** Infos in order for which there was no room: a quota was full of others that are never given up. */
  get crowdedOut(): number {
    return this.#crowdedOut
  }

  /** Infos refused by the code of the reason. */
  get refused(): Partial<Record<DiscoveryErrorCode, number>> {
    return Object.fromEntries(this.#refused)
  }

  /**
   * Takes what is right of an answer or request. Whatever is wrong with it counts against the peer once: it is one violation, however many infos it holds.
   *
   * @returns whether a peer became known
   */
  async take({ from, ownInfo, relayed }: Received, signal: AbortSignal): Promise<boolean> {
    const own = ownInfo === undefined ? [] : [ownInfo]
    let news = false
    let violation: DiscoveryError | undefined
    let count = 0
    for (const sealed of [...own, ...relayed]) {
      if (count > 0 && count % INFOS_PER_TURN === 0) await nextTurn(undefined, { signal })
      count += 1
      try {
        const info = await openNodeInfo(sealed, this.#rules(sealed === ownInfo ? from : undefined))
        if (this.#learn(info, from)) news = true
      } catch (thrown) {
        if (!(thrown instanceof DiscoveryError)) throw thrown
        this.#refused.set(thrown.code, (this.#refused.get(thrown.code) ?? 0) + 1)
        if (DISCOVERY_CONSEQUENCES[thrown.code] !== 'none') violation ??= thrown
      }
    }
    if (violation !== undefined) this.#report(from, violation)
    return news
  }

  /** Takes the infos of peers remembered over a restart, as far as they still hold: a replay of an older one is then known as such. */
  async recall(peers: Iterable<{ readonly peerId: PeerId; readonly sealed: Uint8Array | undefined }>): Promise<void> {
    for (const { peerId, sealed } of peers) {
      if (sealed === undefined) continue
      try {
        this.#init.known.learn(await openNodeInfo(sealed, this.#rules(peerId)), peerId)
      } catch (thrown) {
        if (!(thrown instanceof DiscoveryError)) throw thrown // else it has become too old meanwhile: its address remains
      }
    }
  }

  #learn(info: NodeInfo, from: PeerId): boolean {
    const outcome = this.#init.known.learn(info, from)
    if (outcome === 'new' || outcome === 'newer') this.#learned += 1
    if (outcome === 'full') this.#crowdedOut += 1
    if (outcome !== 'new') return false
    this.#init.onEvent({ type: 'known', peerId: info.peerId, source: 'gossip' })
    return true
  }

  #report(from: PeerId, violation: DiscoveryError): void {
    const consequence = DISCOVERY_CONSEQUENCES[violation.code]
    this.#init.peers.report(from, violation, { consequence, during: getKnownPeers.name })
    this.#init.onEvent({ type: 'refused', from, code: violation.code })
  }

  #rules(from: PeerId | undefined): OpenRules {
    const { chainId, self, known, clock, privateNetwork } = this.#init
    return { chainId, self, from, privateNetwork, now: clock.now(), newest: (peerId) => known.newest(peerId) }
  }
}
