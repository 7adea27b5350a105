import { parsePeerAddresses } from '../discovery/index.ts'
import type { PeerAddresses } from '../peers/index.ts'
import { toError } from '../runtime/soma-error.ts'
import { NodeError } from './node-error.ts'

/**
 * Reads peers that the operator names.
 *
 * @param what what each of them is, for the message
 * @throws {NodeError} `CONFIG_INVALID` for an address without a peer id
 */
export function checkPeerAddresses(what: string, addresses: readonly string[]): PeerAddresses[] {
  try {
    return parsePeerAddresses(addresses)
  } catch (cause) {
    throw new NodeError(
      'CONFIG_INVALID',
      `${what} is an address with its peer id at the end, as in /ip4/192.0.2.7/tcp/9000/p2p/12D3KooW...: ${toError(cause).message}`,
      { cause }
    )
  }
}
