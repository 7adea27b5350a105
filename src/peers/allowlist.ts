import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { PeersError } from './peers-error.ts'

/** Who always gets in. */
export interface Allowlist {
  readonly peerIds: ReadonlySet<string>
  /** IP addresses that some of them come from. */
  readonly hosts: ReadonlySet<string>
}

/**
 * Reads what the operator wrote: peer ids, in any spelling, and multiaddrs with the peer id at their end.
 *
 * @throws {PeersError} `ALLOWLIST_INVALID`
 */
export function readAllowlist(entries: Iterable<string>): Allowlist {
  const peerIds = new Set<string>()
  const hosts = new Set<string>()
  for (const entry of entries) {
    try {
      const components = entry.startsWith('/') ? multiaddr(entry).getComponents() : []
      const [host] = components
      const last = components.at(-1)
      peerIds.add(peerIdFromString(last?.name === 'p2p' ? (last.value ?? '') : entry).toString())
      if (/^ip[46]$/.test(host?.name ?? '') && host?.value !== undefined) hosts.add(host.value)
    } catch (cause) {
      throw new PeersError('ALLOWLIST_INVALID', `neither a peer id nor an address with one at its end: ${entry}`, {
        cause
      })
    }
  }
  return { peerIds, hosts }
}
