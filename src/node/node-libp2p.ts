import type { TcpSocketConnectOpts } from 'node:net'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type TCPOptions, tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import {
  type Capability,
  committeePeers,
  type DiscoveryEvent,
  dialableAddress,
  discovery,
  parsePeerAddresses
} from '../discovery/index.ts'
import { type PeerGate, peers } from '../peers/index.ts'
import { rpc, StreamOpenings, YAMUX_STREAM_OPTIONS } from '../rpc/index.ts'
import type { HealthRegistry } from '../runtime/health.ts'
import { stateSync } from '../state-sync/index.ts'
import { fetchBlocks, fetchCommits } from '../state-sync/protocols.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import { addressTimer } from './address-timer.ts'
import { connectionWatch } from './connection-watch.ts'
import { keepEarlyAnswers } from './early-answers.ts'
import { encryptersOf } from './encrypters.ts'
import type { NodeLibp2p } from './node-parts.ts'
import { pings } from './pings.ts'
import { publicLookup } from './public-lookup.ts'
import type { ResolvedNodeInit } from './resolved-node-init.ts'
import { sparingWindowUpdates } from './sparing-window-updates.ts'
import type { TrustedHosts } from './trusted-hosts.ts'
import type { ValidatorPeers } from './validator-peers.ts'

export interface NodeLibp2pInit extends ResolvedNodeInit {
  readonly health: HealthRegistry
  /** The committee of now. */
  readonly committee: Committee
  readonly onEpoch: (committee: Committee) => void
  readonly validators: ValidatorPeers
  readonly gate: PeerGate
  /** Hosts that may be dialled wherever their names lead: those of the seeds, configured peers and validators named here are added. */
  readonly trustedHosts: TrustedHosts
  readonly blockVerifier: BlockVerifier
  readonly onStored: (subDags: readonly CommittedSubDag[]) => void
  readonly slowestCursor: () => Promise<number | undefined>
  /** What the executor says of itself, where it does not go on. */
  readonly executorFailure: () => string | undefined
  readonly onDiscoveryEvent: (event: DiscoveryEvent) => void
  /** A loop has ended by an error of our own. */
  readonly onFailure: (error: Error) => void
}

/** Streams that a peer may have open on a connection, of all protocols: beyond it yamux resets them before anything is kept for them. */
const MAX_INBOUND_STREAMS = 256
/** A node with so many bytes fetched and not yet stored catches up: whom it serves has to wait a little. At the tip there are never so many. */
const BUSY_BYTES = 8 * 1024 * 1024

/** What a node says that it serves: its commits and their blocks, as far as it can prove them. */
function servedRanges({ watermarks }: CommitStore): Capability[] {
  const { lowestAvailable: lowest, highestCertifiable: highest } = watermarks
  return highest < lowest ? [] : [fetchCommits, fetchBlocks].map(({ name }) => ({ protocol: name, lowest, highest }))
}

/** The node's libp2p: TCP, noise (and TLS, by choice) and yamux, with this package's services on top. Not started. */
export async function createNodeLibp2p(init: NodeLibp2pInit): Promise<NodeLibp2p> {
  const { genesis, store, config, clock, random, health, trustedHosts } = init
  const seedIds = new Set(init.seeds.map((seed) => seed.slice(seed.lastIndexOf('/p2p/') + '/p2p/'.length)))
  trustedHosts.add(parsePeerAddresses([...init.seeds, ...init.configured]))
  trustedHosts.add(committeePeers(init.committee))
  const dialOpts: TCPOptions['dialOpts'] & Pick<TcpSocketConnectOpts, 'lookup'> = config.privateNetwork
    ? {}
    : { lookup: publicLookup({ isTrusted: (host) => trustedHosts.has(host) }) }
  const self = peerIdFromPrivateKey(init.privateKey)
  const openings = new StreamOpenings({
    clock,
    onExcess: (peer, error) => libp2p.services.peers.report(peer, error, { during: 'open-stream' })
  })
  const libp2p: NodeLibp2p = await createLibp2p({
    start: false,
    privateKey: init.privateKey,
    logger: init.logger,
    ...(init.metrics && { metrics: init.metrics }),
    addresses: { listen: [...init.listen], announce: [...init.announce] },
    transports: [tcp({ dialOpts })],
    connectionEncrypters: (await encryptersOf(config)).map((encrypter) => openings.encrypter(encrypter)),
    streamMuxers: [
      openings.muxer(
        sparingWindowUpdates(
          keepEarlyAnswers(yamux({ streamOptions: YAMUX_STREAM_OPTIONS, maxInboundStreams: MAX_INBOUND_STREAMS }))
        )
      )
    ],
    connectionGater: {
      ...init.gate.connectionGater,
      // what identify tells of a peer's addresses is of no use to anyone unless it passes the rules of gossip
      filterMultiaddrForPeer: (peer, address) =>
        peer.equals(self) || dialableAddress(address, peer, config.privateNetwork) !== undefined
    },
    connectionManager: {
      maxConnections: Number.POSITIVE_INFINITY, // the peers service has a better rule whom to part from
      // so has the gate for handshakes: these limits would hold for whoever always gets in, and anybody could fill them
      maxIncomingPendingConnections: Number.POSITIVE_INFINITY,
      inboundConnectionThreshold: Number.POSITIVE_INFINITY
    },
    connectionMonitor: { enabled: false }, // the watch takes its place
    services: {
      identify: identify(),
      pings: pings({ clock }),
      connectionWatch: connectionWatch({ clock }),
      addressTimer: addressTimer(),
      rpc: rpc({
        chainId: genesis.chainId,
        clock,
        isReserved: (peer) => libp2p.services.peers.isProtected(peer) || init.validators.has(peer),
        isBusy: () => libp2p.services.stateSync.bytesInFlight > BUSY_BYTES,
        ...(init.observer.onExchange && { onExchange: init.observer.onExchange }),
        onFault: (peer, error, { protocol }) => libp2p.services.peers.report(peer, error, { during: protocol })
      }),
      peers: peers({
        gate: init.gate,
        clock,
        random,
        isTrusted: (peer) => seedIds.has(peer.toString()),
        onReport: (report) => {
          init.observer.onPeerReport?.(report)
          init.onPeerReport(report)
        },
        maxConnections: config.maxConnections,
        outboundReserve: Math.ceil(config.targetConnections / 2),
        // a subnet is never more than half of a small company
        maxPerSubnet: Math.max(1, Math.min(config.maxConnectionsPerSubnet, Math.floor(config.targetConnections / 2))),
        ...(init.subnetOf && { subnetOf: init.subnetOf })
      }),
      discovery: discovery({
        genesis,
        committee: init.committee,
        seeds: init.seeds,
        configured: init.configured,
        accessType: init.accessType,
        dht: init.dht,
        records: store,
        clock,
        random,
        capabilities: () => servedRanges(store),
        onEvent: init.onDiscoveryEvent,
        onFailure: init.onFailure,
        config: {
          targetConnections: config.targetConnections,
          discoveryIntervalMs: config.discoveryIntervalMs,
          privateNetwork: config.privateNetwork,
          committeePeers: config.committeePeers
        }
      }),
      stateSync: stateSync({
        genesis,
        store,
        blockVerifier: init.blockVerifier,
        clock,
        random,
        health,
        handOver: init.handOver,
        checkpoint: init.checkpoint,
        localStateHash: init.localStateHash,
        onEpoch: init.onEpoch,
        onStored: init.onStored,
        onVerified: init.observer.onVerified,
        onWritten: init.observer.onWritten,
        slowestCursor: init.slowestCursor,
        executorFailure: init.executorFailure,
        onFailure: init.onFailure,
        config: {
          heightQueryIntervalMs: config.heightQueryIntervalMs,
          commitsPerRange: config.commitsPerRange,
          maxRangesInFlight: config.maxRangesInFlight,
          stallMs: config.stallMs,
          maxBytesInFlight: config.maxBytesInFlight,
          maxExecutorLead: config.maxExecutorLead
        }
      })
    }
  })
  return libp2p
}
