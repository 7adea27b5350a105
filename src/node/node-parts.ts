import type { Libp2p } from '@libp2p/interface'
import type { Committee } from '../consensus/committee.ts'
import { createDelivery } from '../delivery/commit-delivery.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Discovery } from '../discovery/index.ts'
import { createPeerGate, type PeerGate, type Peers } from '../peers/index.ts'
import { type Health, HealthRegistry } from '../runtime/health.ts'
import { toHex } from '../runtime/hex.ts'
import { toError } from '../runtime/soma-error.ts'
import type { StateSync } from '../state-sync/index.ts'
import { type BlockVerifier, createBlockVerifier } from '../verify/block-verifier.ts'
import { acquireSignaturePool, type SignaturePool } from '../verify/signature-pool.ts'
import { createTransactionVerifier } from '../verify/transaction-verifier.ts'
import { eventLog } from './event-log.ts'
import { partFromForeignPeers } from './foreign-peers.ts'
import { NodeEvents } from './node-events.ts'
import { createNodeLibp2p } from './node-libp2p.ts'
import { Pruner } from './pruner.ts'
import type { ResolvedNodeInit } from './resolved-node-init.ts'
import { TrustedHosts } from './trusted-hosts.ts'
import { ValidatorPeers } from './validator-peers.ts'
import { discoveryEvent, reportEvent } from './watch/describe-event.ts'

/** The services of a node's libp2p that the node itself uses. */
export type NodeLibp2p = Libp2p<{ peers: Peers; discovery: Discovery; stateSync: StateSync }>

/** What a node is put together from. */
export interface NodeParts {
  readonly libp2p: NodeLibp2p
  readonly trustedHosts: TrustedHosts
  readonly validators: ValidatorPeers
  readonly delivery: Delivery
  readonly pruner: Pruner
  readonly health: HealthRegistry
  /** What the embedder says of its own parts. */
  readonly reported: HealthRegistry
  readonly events: NodeEvents
  readonly releaseSignatures: () => Promise<void>
}

export interface NodePartsInit extends ResolvedNodeInit {
  /** Of the epoch that the chain goes on in. */
  readonly committee: Committee
  /** Called when the chain goes on in another epoch. */
  readonly onEpoch: (committee: Committee) => void
  /** Called when a part fails that the node cannot go on without. */
  readonly onFailure: (error: Error) => void
}

/** Connections that one host may begin a second: enough for a handful of nodes behind it, and a handshake costs some milliseconds. */
const HANDSHAKES_PER_SECOND = 5

/** Makes the parts of a node, none of them started. When one cannot be made, nothing is left of the others. */
export async function createNodeParts(init: NodePartsInit): Promise<NodeParts> {
  const { store, genesis, config, clock, logger } = init
  const log = logger.forComponent('soma-p2p:node')
  const health = new HealthRegistry()
  const reported = new HealthRegistry()
  const events = new NodeEvents(clock, eventLog(logger))
  const delivery = createDelivery({ store, clock })
  const pruner = new Pruner({
    store,
    delivery,
    keepCommits: config.keepCommits,
    onPruned: () => health.set('pruning', { state: 'ok' }),
    onFailure: (thrown) => {
      health.set('pruning', { state: 'degraded', reason: toError(thrown).message })
      log('pruning failed: %s', toError(thrown).message)
    }
  })
  const signatures = await acquireSignaturePool({
    workers: config.signatureWorkers,
    onFault: (error) => log.error('a signature thread failed: %s', error.message)
  })
  try {
    const trustedHosts = new TrustedHosts()
    const validators = new ValidatorPeers(init.committee)
    const libp2p = await createNodeLibp2p({
      ...init,
      health,
      trustedHosts,
      validators,
      onPeerReport: (report) => {
        events.add(reportEvent(report))
        init.onPeerReport(report)
      },
      onDiscoveryEvent: (event) => events.add(discoveryEvent(event)),
      executorFailure: () => reasonOf(reported.get('executor')),
      gate: peerGate(init, trustedHosts, (error) => log.error('bans are not remembered: %s', error.message)),
      blockVerifier: blockVerifier(init, signatures),
      onStored: () => {
        delivery.advance()
        if (Number.isFinite(config.keepCommits)) pruner.advance()
      },
      slowestCursor: () => delivery.slowest()
    })
    const chainId = toHex(genesis.chainId)
    partFromForeignPeers({ libp2p, chainId, log, setHealth: (state) => health.set('chain', state) })
    const releaseSignatures = (): Promise<void> => signatures.release()
    return { libp2p, trustedHosts, validators, delivery, pruner, health, reported, events, releaseSignatures }
  } catch (thrown) {
    await signatures.release()
    throw thrown
  }
}

function peerGate(
  { clock, store, random, allowlist, private: onlyAllowlisted, config, subnetOf }: NodePartsInit,
  trustedHosts: TrustedHosts,
  onRecordFailed: (error: Error) => void
): PeerGate {
  return createPeerGate({
    clock,
    records: store,
    random,
    allowlist,
    onlyAllowlisted,
    // in a private network many nodes may share a host
    handshakesPerSecond: config.privateNetwork ? Number.POSITIVE_INFINITY : HANDSHAKES_PER_SECOND,
    isTrustedHost: (host) => trustedHosts.has(host),
    ...(subnetOf && { subnetOf }),
    onRecordFailed
  })
}

function blockVerifier(
  { genesis: { chainId }, store, verification, observer, transactionVerifier }: NodePartsInit,
  signatures: SignaturePool
): BlockVerifier {
  return createBlockVerifier({
    chainId,
    signatures,
    bls: signatures,
    mode: verification,
    onWork: observer.onVerified,
    getCommittee: (epoch) => store.getCommittee(epoch),
    transactionVerifier:
      transactionVerifier === 'certified' ? createTransactionVerifier({ chainId, signatures }) : transactionVerifier
  })
}

function reasonOf(health: Health): string | undefined {
  return health.state === 'ok' ? undefined : health.reason
}
