import type { PeerId, PrivateKey } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { Digest } from '../consensus/digest.ts'
import { MAX_ADDRESS_BYTES, MAX_ADDRESSES } from '../consensus/limits.ts'
import type { Clock } from '../runtime/clock.ts'
import { isPublic, parseAddress } from './addresses.ts'
import { DiscoveryError } from './discovery-error.ts'
import { ACCESS_TYPE, type AccessType, type Capability } from './messages.ts'
import { MAX_FUTURE_MS, type NodeInfo, openNodeInfo, sealNodeInfo } from './node-info.ts'

export interface OwnInfoInit {
  readonly chainId: Digest
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly addressManager: AddressManager
  readonly clock: Clock
  readonly privateNetwork: boolean
  readonly accessType: AccessType
  readonly capabilities: () => readonly Capability[]
}

/** What a node says of itself, sealed anew now and then. */
export class OwnInfo {
  readonly #init: OwnInfoInit
  #current: NodeInfo | undefined

  constructor(init: OwnInfoInit) {
    this.#init = init
  }

  /** The info of now; `undefined` before the first renewal, and while there is no address that others may dial. */
  get current(): NodeInfo | undefined {
    return this.#current
  }

  /** Seals it with the addresses, capabilities and time of now. */
  async renew(): Promise<void> {
    const { chainId, peerId, privateKey, clock, privateNetwork, accessType, capabilities } = this.#init
    const addresses = this.#addresses()
    if (addresses.length === 0) {
      this.#current = undefined
      return
    }
    const content = {
      addresses,
      timestampMs: this.#timestamp(clock.now()),
      accessType: ACCESS_TYPE[accessType],
      capabilities: capabilities()
    }
    // opened by the rules that others open it by, so that a fault shows here rather than there
    this.#current = await openNodeInfo(await sealNodeInfo(content, privateKey, chainId), {
      chainId,
      self: peerId,
      from: peerId,
      now: content.timestampMs,
      privateNetwork,
      newest: () => undefined
    })
  }

  /** Later than the one before, over small steps back of the clock. After a larger step the clock was wrong before, and nobody took that info. */
  #timestamp(now: number): number {
    const last = this.#current?.timestampMs ?? 0
    return last >= now && last - now < MAX_FUTURE_MS ? last + 1 : now
  }

  #addresses(): string[] {
    const addresses = new Set<string>()
    for (const listed of this.#init.addressManager.getAddresses()) {
      try {
        const address = parseAddress(listed.toString(), this.#init.peerId)
        if (this.#init.privateNetwork || isPublic(address)) addresses.add(address.toString())
      } catch (thrown) {
        if (!(thrown instanceof DiscoveryError)) throw thrown // an address of a kind that infos do not hold
      }
    }
    return [...addresses].filter((text) => Buffer.byteLength(text) <= MAX_ADDRESS_BYTES).slice(0, MAX_ADDRESSES)
  }
}
