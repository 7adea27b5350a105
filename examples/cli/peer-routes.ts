import type { PeerBan, PeerStatus, SomaNode } from '../../src/node/soma-node.ts'
import type { ControlRoutes } from './control-server.ts'

/** What a running node answers to `GET /peers`. */
export interface PeersReport {
  readonly peers: readonly PeerStatus[]
  readonly bans: readonly PeerBan[]
}

/** The routes by which an operator looks at peers, bans and unbans them. @param running the node; it throws while there is none */
export function peerRoutes(running: () => SomaNode): ControlRoutes {
  return {
    'GET /peers': async (): Promise<PeersReport> => {
      const node = running()
      return { peers: (await node.status()).peers, bans: node.bans() }
    },
    'POST /ban': async (query) => {
      const [reason, duration] = [query.get('reason'), query.get('ms')]
      await running().ban(query.get('peer') ?? '', {
        ...(reason !== null && { reason }),
        ...(duration !== null && { durationMs: Number(duration) })
      })
      return { bans: running().bans() }
    },
    'POST /unban': async (query) => ({ lifted: await running().unban(query.get('peer') ?? '') })
  }
}
