import { isLoopback, isPrivate } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'

/** Whether an address is of a loopback or private range: of no use to anyone outside. */
export function isLocalAddress(address: string): boolean {
  const parsed = multiaddr(address)
  return isLoopback(parsed) || isPrivate(parsed)
}
