import type { Libp2p, Logger } from '@libp2p/interface'
import type { Health } from '../runtime/health.ts'

/** What every protocol id of this package begins with; the chain id follows. */
const PREFIX = '/soma-p2p/'

export interface ForeignPeersInit {
  readonly libp2p: Libp2p
  /** In hexadecimal. */
  readonly chainId: string
  readonly log: Logger
  readonly setHealth: (health: Health) => void
}

/**
 * Parts from peers that serve another chain. Nothing can be asked of them, and an operator who gave one of two nodes the wrong genesis would look for the
 * mistake in the network: so it is said, until a peer of this chain comes. After that the genesis is right, whatever strangers say.
 */
export function partFromForeignPeers({ libp2p, chainId, log, setHealth }: ForeignPeersInit): void {
  let isMet = false
  libp2p.addEventListener('peer:identify', ({ detail: { peerId, protocols, connection } }) => {
    const chains = protocols.filter((id) => id.startsWith(PREFIX)).map((id) => id.slice(PREFIX.length).split('/')[0])
    if (chains.includes(chainId)) {
      isMet = true
      setHealth({ state: 'ok' })
    } else if (chains.length > 0) {
      const reason = `peer ${peerId} is of another chain, ${chains[0]}: check the genesis`
      log('%s', reason)
      if (!isMet) setHealth({ state: 'degraded', reason })
      connection.abort(new Error(reason))
    }
  })
}
