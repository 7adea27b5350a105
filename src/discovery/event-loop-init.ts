import type { PeerId } from '@libp2p/interface'
import type { Peers } from '../peers/peers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import type { FoundPeer } from './dht/dht.ts'
import type { DhtFeed } from './dht-feed.ts'
import type { DiscoveryConfig, DiscoveryEvent } from './discovery.ts'
import type { GoodPeerRecord } from './good-peer-record.ts'
import type { InfoIntake } from './info-intake.ts'
import type { KeptCommittee } from './kept-committee.ts'
import type { KnownPeers } from './known-peers.ts'
import type { GetKnownPeersRequest } from './messages.ts'
import type { NamedPeers } from './named-peers.ts'
import type { OwnInfo } from './own-info.ts'
import type { Visits } from './visits.ts'

/** What the event loop works with. */
export interface EventLoopInit {
  readonly self: PeerId
  readonly known: KnownPeers
  readonly own: OwnInfo
  readonly intake: InfoIntake
  readonly committee: KeptCommittee
  readonly rpc: Rpc
  readonly peers: Peers
  readonly config: DiscoveryConfig
  readonly clock: Clock
  readonly random: Random
  /** Makes the feed from the DHT, run by tasks of the loop; none without the DHT. */
  readonly feed:
    | ((loop: { readonly tasks: TaskGroup; readonly onFound: (peer: FoundPeer) => void }) => DhtFeed)
    | undefined
  /** Where good peers are remembered, if anywhere. */
  readonly goodPeers: GoodPeerRecord | undefined
  /** Peers dialled by queries of the DHT. */
  readonly visits: Visits
  readonly named: NamedPeers
  readonly requestFor: (peerId: PeerId) => GetKnownPeersRequest
  /** Called after each tick. */
  readonly onTick: () => void
  readonly onEvent: (event: DiscoveryEvent) => void
  readonly onFailure: (thrown: unknown) => void
}
