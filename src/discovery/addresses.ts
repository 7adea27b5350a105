import { isIP } from 'node:net'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { MAX_ADDRESS_BYTES } from '../consensus/limits.ts'
import { isHostAddress, isPublicAddress } from '../peers/ip-ranges.ts'
import { isLocalName } from '../peers/local-name.ts'
import type { PeerAddresses } from '../peers/peers.ts'
import { DiscoveryError } from './discovery-error.ts'

/**
 * Reads an address of a node info: a host (`ip4`, `ip6`, `dns`, `dns4` or `dns6`), a TCP port, and nothing after them but the subject's own
 * peer id, which is taken off.
 *
 * @throws {DiscoveryError} `INFO_BAD_ADDRESS`
 */
export function parseAddress(text: string, subject: PeerId): Multiaddr {
  let address: Multiaddr
  try {
    address = multiaddr(text)
  } catch (cause) {
    throw new DiscoveryError('INFO_BAD_ADDRESS', 'not a multiaddr', { cause })
  }
  const [host, port, peer, ...more] = address.getComponents()
  if (!/^(ip4|ip6|dns|dns4|dns6)$/.test(host?.name ?? '')) throw bad('begins with no host')
  if (/^ip[46]$/.test(host?.name ?? '') && !isHostAddress(host?.value ?? '')) throw bad('names no host')
  if (port?.name !== 'tcp' || port.value === '0') throw bad('has no TCP port')
  if (peer === undefined) return address
  if (peer.name !== 'p2p' || more.length > 0) throw bad('goes on after the TCP port')
  if (peer.value !== subject.toString()) throw bad('names another peer')
  return address.decapsulateCode(CODE_P2P)
}

/**
 * The rules of gossip for an address that nobody signed, from the DHT or from identify.
 *
 * @returns the address without the peer id; `undefined` for one that is not to be dialled
 */
export function dialableAddress(address: Multiaddr, subject: PeerId, privateNetwork: boolean): Multiaddr | undefined {
  try {
    const parsed = parseAddress(address.toString(), subject)
    return privateNetwork || isPublic(parsed) ? parsed : undefined
  } catch (thrown) {
    if (thrown instanceof DiscoveryError) return undefined
    throw thrown
  }
}

/** Whether an address means the same host to everyone. Names are taken to, but for those that are local by convention, or are IP addresses under another name. */
export function isPublic(address: Multiaddr): boolean {
  const [host] = address.getComponents()
  if (host?.value === undefined) return false
  return /^ip[46]$/.test(host.name) ? isPublicAddress(host.value) : isIP(host.value) === 0 && !isLocalName(host.value)
}

/**
 * Reads what an operator wrote: multiaddrs, each with the peer id at its end. Those of one peer are put together.
 *
 * @throws {DiscoveryError} `PEER_ADDRESS_INVALID`
 */
export function parsePeerAddresses(texts: Iterable<string>): PeerAddresses[] {
  const byPeer = new Map<string, Multiaddr[]>()
  for (const text of texts) {
    if (Buffer.byteLength(text) > MAX_ADDRESS_BYTES)
      throw new DiscoveryError('PEER_ADDRESS_INVALID', `an address of more than ${MAX_ADDRESS_BYTES} bytes`)
    let address: Multiaddr
    try {
      address = multiaddr(text)
    } catch (cause) {
      throw new DiscoveryError('PEER_ADDRESS_INVALID', `not a multiaddr: ${text}`, { cause })
    }
    const last = address.getComponents().at(-1)
    if (last?.name !== 'p2p' || last.value === undefined) {
      throw new DiscoveryError('PEER_ADDRESS_INVALID', `no peer id at the end of ${text}`)
    }
    const addresses = byPeer.get(last.value) ?? []
    addresses.push(address.decapsulateCode(CODE_P2P))
    byPeer.set(last.value, addresses)
  }
  return [...byPeer].map(([peerId, addresses]) => ({ peerId: parsePeerId(peerId), addresses }))
}

function parsePeerId(text: string): PeerId {
  try {
    return peerIdFromString(text)
  } catch (cause) {
    throw new DiscoveryError('PEER_ADDRESS_INVALID', `not a peer id: ${text}`, { cause })
  }
}

function bad(why: string): DiscoveryError {
  return new DiscoveryError('INFO_BAD_ADDRESS', `an address that ${why}`)
}
