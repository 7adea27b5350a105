import type { ComponentLogger, Libp2p, PeerId, PrivateKey } from '@libp2p/interface'
import type { Libp2pInit } from 'libp2p'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import { createDelivery } from '../delivery/commit-delivery.ts'
import type { Delivery, SubscribeOptions } from '../delivery/delivery.ts'
import type { AccessType, Discovery } from '../discovery/index.ts'
import { createPeerGate, type PeerReport, type Peers } from '../peers/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Health, HealthRegistry } from '../runtime/health.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import type { Random } from '../runtime/random.ts'
import { toError } from '../runtime/soma-error.ts'
import { VERSION } from '../runtime/version.ts'
import type { HandOverMode, LocalStateHash, StateSync } from '../state-sync/index.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { checkpointAt, epochAfter } from '../storage/epoch-after.ts'
import { StorageError } from '../storage/storage-error.ts'
import { createBlockVerifier, type VerificationMode } from '../verify/block-verifier.ts'
import { acquireSignaturePool } from '../verify/signature-pool.ts'
import { createTransactionVerifier } from '../verify/transaction-verifier.ts'
import { checkBan, checkPeerId } from './check-ban.ts'
import { eventLog } from './event-log.ts'
import { partFromForeignPeers } from './foreign-peers.ts'
import { NodeError } from './node-error.ts'
import { type NewEvent, NodeEvents } from './node-events.ts'
import type { NodeObserver } from './node-instruments.ts'
import { createNodeLibp2p } from './node-libp2p.ts'
import { checkPeerAddresses } from './peer-addresses.ts'
import { peerStatuses } from './peer-statuses.ts'
import { Pruner } from './pruner.ts'
import type {
  BanOptions,
  ConsensusInterface,
  NodeConfig,
  NodeInit,
  NodeStatus,
  PeerBan,
  SomaNode
} from './soma-node.ts'
import { TrustedHosts } from './trusted-hosts.ts'
import { ValidatorPeers } from './validator-peers.ts'
import {
  bannedEvent,
  discoveryEvent,
  epochEvent,
  failedEvent,
  liftedEvent,
  reportEvent,
  startedEvent
} from './watch/describe-event.ts'
import { NodeWatch } from './watch/node-watch.ts'

/** `NodeInit` with every default filled in. */
export interface ResolvedNodeInit {
  readonly genesis: Genesis
  readonly store: CommitStore
  /** Whether the node closes the store. */
  readonly isStoreOwned: boolean
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly seeds: readonly string[]
  readonly configured: readonly string[]
  readonly allowlist: readonly string[]
  readonly private: boolean
  readonly accessType: AccessType
  readonly dht: NonNullable<NodeInit['dht']>
  readonly subnetOf: NodeInit['subnetOf']
  readonly metrics: Libp2pInit['metrics']
  readonly observer: NodeObserver
  readonly handOver: HandOverMode
  readonly checkpoint: TrustedCheckpoint | undefined
  readonly localStateHash: LocalStateHash | undefined
  readonly verification: VerificationMode
  readonly transactionVerifier: NodeInit['transactionVerifier']
  readonly config: NodeConfig
  readonly onPeerReport: (report: PeerReport) => void
  readonly logger: ComponentLogger
  readonly clock: Clock
  readonly random: Random
}

/** The services of a node's libp2p that the node itself uses. */
export type NodeLibp2p = Libp2p<{ peers: Peers; discovery: Discovery; stateSync: StateSync }>

interface Parts {
  readonly libp2p: NodeLibp2p
  readonly trustedHosts: TrustedHosts
  readonly delivery: Delivery
  readonly pruner: Pruner
  readonly health: HealthRegistry
  /** What the embedder says of its own parts. */
  readonly reported: HealthRegistry
  readonly events: NodeEvents
  readonly releaseSignatures: () => Promise<void>
}

/** Connections that one host may begin a second: enough for a handful of nodes behind it, and a handshake costs some milliseconds. */
const HANDSHAKES_PER_SECOND = 5

/** A whole node: the parts, their lifecycle and their status. */
export class NodeService implements SomaNode {
  readonly genesis: Genesis
  readonly store: CommitStore
  readonly consensus: ConsensusInterface
  readonly #init: ResolvedNodeInit
  readonly #parts: Parts
  readonly #watching = new AbortController()
  #watch: Promise<void> | undefined
  /** Of the epoch that the chain goes on in. */
  #committee: Committee
  #startedAt: number | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  readonly #stopped = Promise.withResolvers<Error | undefined>()

  private constructor(init: ResolvedNodeInit, parts: Parts, committee: Committee) {
    this.#committee = committee
    this.genesis = init.genesis
    this.store = init.store
    this.#init = init
    this.#parts = parts
    const { stateSync } = parts.libp2p.services
    this.consensus = {
      sendCommit: (commit, options) => stateSync.sendCommit(commit, options),
      onOvertaken: (listener) => stateSync.onOvertaken(listener)
    }
  }

  static async create(init: ResolvedNodeInit): Promise<NodeService> {
    const { store, genesis, config, clock, logger, transactionVerifier } = init
    const { chainId } = genesis
    const committee = await currentCommittee(store, genesis)
    const validators = new ValidatorPeers(committee)
    const health = new HealthRegistry()
    const reported = new HealthRegistry()
    const events = new NodeEvents(clock, eventLog(logger))
    const log = logger.forComponent('soma-p2p:node')
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
      const libp2p = await createNodeLibp2p({
        ...init,
        health,
        trustedHosts,
        committee,
        validators,
        onEpoch: (next) => entered(next),
        onPeerReport: (report) => {
          events.add(reportEvent(report))
          init.onPeerReport(report)
        },
        onDiscoveryEvent: (event) => events.add(discoveryEvent(event)),
        executorFailure: () => {
          const executor = reported.get('executor')
          return executor.state === 'ok' ? undefined : executor.reason
        },
        gate: createPeerGate({
          clock,
          records: store,
          random: init.random,
          allowlist: init.allowlist,
          onlyAllowlisted: init.private,
          // in a private network many nodes may share a host
          handshakesPerSecond: config.privateNetwork ? Number.POSITIVE_INFINITY : HANDSHAKES_PER_SECOND,
          isTrustedHost: (host) => trustedHosts.has(host),
          ...(init.subnetOf && { subnetOf: init.subnetOf }),
          onRecordFailed: (error) => log.error('bans are not remembered: %s', error.message)
        }),
        blockVerifier: createBlockVerifier({
          chainId,
          signatures,
          bls: signatures,
          mode: init.verification,
          onWork: init.observer.onVerified,
          getCommittee: (epoch) => store.getCommittee(epoch),
          transactionVerifier:
            transactionVerifier === 'certified'
              ? createTransactionVerifier({ chainId, signatures })
              : transactionVerifier
        }),
        onStored: () => {
          delivery.advance()
          if (Number.isFinite(config.keepCommits)) pruner.advance()
        },
        slowestCursor: () => delivery.slowest(),
        onFailure: (error) => fail(error)
      })
      partFromForeignPeers({
        libp2p,
        chainId: toHex(chainId),
        log,
        setHealth: (state) => health.set('chain', state)
      })
      const parts = {
        libp2p,
        trustedHosts,
        delivery,
        pruner,
        health,
        reported,
        events,
        releaseSignatures: () => signatures.release()
      }
      const node = new NodeService(init, parts, committee)
      const entered = (next: Committee) => {
        node.#committee = next
        events.add(epochEvent(next, node.#isValidator()))
        validators.enter(next)
        libp2p.services.discovery.setCommittee(next)
      }
      const fail = (error: Error) => {
        events.add(failedEvent(error))
        node.#stopWith(error)
      }
      return node
    } catch (thrown) {
      await signatures.release()
      throw thrown
    }
  }

  get peerId(): PeerId {
    return this.#parts.libp2p.peerId
  }

  addresses(): string[] {
    return this.#parts.libp2p.getMultiaddrs().map((address) => address.toString())
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) {
      throw new NodeError('NODE_STOPPED', 'a stopped node is not started again: make another')
    }
    this.#starting ??= Promise.resolve(this.#parts.libp2p.start())
    try {
      await this.#starting
      if (this.#startedAt === undefined) this.#begin()
    } catch (thrown) {
      this.#stopWith(toError(thrown)) // half started is not started: the store and its lock are given back
      await this.#stopping
      throw thrown
    }
  }

  async stop(): Promise<void> {
    this.#stopWith(undefined)
    await this.#stopping
  }

  get stopped(): Promise<Error | undefined> {
    return this.#stopped.promise
  }

  insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'> {
    return this.#parts.libp2p.services.stateSync.insertCommittee(committee, lastCommit)
  }

  async checkpoint(index: number = this.store.watermarks.highestSynced.index): Promise<TrustedCheckpoint> {
    const checkpoint = await checkpointAt(this.store, index)
    if (checkpoint !== undefined) return checkpoint
    const { lowestAvailable, highestSynced } = this.store.watermarks
    const what = `commit ${index} is not stored here: commits ${lowestAvailable} to ${highestSynced.index} are`
    throw new NodeError('COMMIT_NOT_STORED', what)
  }

  subscribe(options?: SubscribeOptions): AsyncIterable<CommittedSubDag> {
    return this.#parts.delivery.subscribe(options)
  }

  setConfiguredPeers(addresses: readonly string[]): void {
    const peers = checkPeerAddresses('a configured peer', addresses)
    this.#parts.trustedHosts.add(peers)
    this.#parts.libp2p.services.discovery.setConfiguredPeers(peers)
  }

  bans(): PeerBan[] {
    return this.#parts.libp2p.services.peers.bans().toSorted((a, b) => a.untilMs - b.untilMs)
  }

  async ban(peerId: string, options: BanOptions = {}): Promise<void> {
    const { peers } = this.#parts.libp2p.services
    const { peer, ...ban } = checkBan(peerId, options, {
      isOwn: (other) => other.equals(this.peerId),
      isChosen: (other) => peers.isChosen(other)
    })
    await peers.ban(peer, ban)
    this.#parts.events.add(bannedEvent(peerId, ban))
  }

  async unban(peerId: string): Promise<boolean> {
    const lifted = await this.#parts.libp2p.services.peers.unban(checkPeerId(peerId))
    if (lifted) this.#parts.events.add(liftedEvent(peerId))
    return lifted
  }

  prune(index: number, options?: { force?: boolean }): Promise<number> {
    return this.#parts.delivery.prune(index, options)
  }

  reportHealth(part: string, health: Health): void {
    this.#parts.reported.set(part, health)
  }

  reportEvent(event: NewEvent): void {
    this.#parts.events.add(event)
  }

  async status(): Promise<NodeStatus> {
    const { libp2p, events } = this.#parts
    const { stateSync, discovery } = libp2p.services
    const { highestSynced, highestCertifiable, lowestAvailable } = this.store.watermarks
    const sync = stateSync.status()
    const { cursors, unreadable } = await this.#cursors()
    return {
      peerId: this.peerId.toString(),
      chainId: toHex(this.genesis.chainId),
      addresses: this.addresses(),
      role: this.#isValidator() ? 'validator' : 'full',
      uptimeMs: this.#startedAt === undefined ? 0 : Math.round(this.#init.clock.monotonic() - this.#startedAt),
      epoch: this.#committee.epoch,
      highestSynced: { index: highestSynced.index, digest: toHex(highestSynced.digest) },
      highestSyncedAtMs: sync.highestSyncedAtMs,
      highestCertifiable,
      lowestAvailable,
      highestKnown: sync.highestKnown,
      cursors,
      bytesInFlight: sync.bytesInFlight,
      rangesInFlight: sync.ranges.length,
      sync: { ranges: sync.ranges, stages: sync.stages, waiting: sync.waiting },
      synced: sync.synced,
      peers: peerStatuses(libp2p),
      knownPeers: discovery.known().length,
      discovery: discovery.status(),
      health: { ...this.#health(), ...(unreadable && { storage: unreadable }) },
      events: events.recent
    }
  }

  /** Whoever asks how the node is gets an answer while its disk cannot be read, too: it says so. */
  async #cursors(): Promise<{ cursors: Record<string, number>; unreadable?: Health }> {
    try {
      return { cursors: Object.fromEntries(await this.#parts.delivery.positions()) }
    } catch (thrown) {
      if (!(thrown instanceof StorageError && thrown.code === 'STORAGE_READ_FAILED')) throw thrown
      return { cursors: {}, unreadable: { state: 'degraded', reason: `${thrown.code}: ${thrown.message}` } }
    }
  }

  /** Stops the node, once. What goes wrong while it stops is an error of its own. */
  #stopWith(failure: Error | undefined): void {
    if (this.#stopping !== undefined) return
    const { clock } = this.#init
    const begun = clock.monotonic()
    const isStarted = this.#startedAt !== undefined
    const say = (kind: 'stopping' | 'stopped', text: string, data: { tookMs?: number } = {}) => {
      if (isStarted) this.#parts.events.add({ level: 'info', kind, text, data })
    }
    say('stopping', `stopping, at commit ${this.store.watermarks.highestSynced.index}`)
    this.#stopping = this.#stop()
    const tookMs = () => Math.round(clock.monotonic() - begun)
    this.#stopping.then(
      () => {
        say('stopped', `stopped in ${(tookMs() / 1_000).toFixed(1)} s`, { tookMs: tookMs() })
        this.#stopped.resolve(failure)
      },
      (thrown: unknown) => {
        this.#parts.events.add(failedEvent(toError(thrown), 'the node has stopped, and not cleanly'))
        this.#stopped.resolve(failure ?? toError(thrown))
      }
    )
  }

  /** Takes every step, whatever fails. @throws the first failure, at the end */
  async #stop(): Promise<void> {
    const { libp2p, delivery, pruner, releaseSignatures } = this.#parts
    const failures: unknown[] = []
    this.#watching.abort()
    const steps = [
      () => this.#watch,
      () => this.#starting?.catch(() => undefined), // libp2p does not stop while it starts; who started it gets the failure
      () => libp2p.stop(),
      () => delivery.stop(),
      () => pruner.stop(),
      releaseSignatures,
      () => (this.#init.isStoreOwned ? this.store.close() : undefined)
    ]
    for (const step of steps) {
      try {
        await step()
      } catch (thrown) {
        failures.push(thrown)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  #begin(): void {
    const { clock } = this.#init
    const { libp2p, events } = this.#parts
    this.#startedAt = clock.monotonic()
    events.add(
      startedEvent({
        peerId: this.peerId.toString(),
        chainId: toHex(this.genesis.chainId),
        addresses: this.addresses(),
        isValidator: this.#isValidator(),
        version: VERSION,
        commit: this.store.watermarks.highestSynced.index,
        epoch: this.#committee.epoch
      })
    )
    const { peers, discovery, stateSync } = libp2p.services
    const watch = new NodeWatch({
      clock,
      events,
      stuckMs: this.#init.config.stuckMs,
      view: () => {
        const { highestKnown, waiting, synced } = stateSync.status()
        return {
          connected: peers.connected().length,
          knownPeers: discovery.status().known,
          highestSynced: this.store.watermarks.highestSynced.index,
          highestKnown,
          synced,
          waiting,
          health: this.#health()
        }
      }
    })
    this.#watch = watch.run(this.#watching.signal)
  }

  #health(): Record<string, Health> {
    return { ...this.#parts.reported.all(), ...this.#parts.health.all() }
  }

  #isValidator(): boolean {
    const key = this.peerId.publicKey?.raw
    return key !== undefined && this.#committee.validators.some((validator) => bytesEqual(validator.networkKey, key))
  }
}

/** The committee of the epoch that the chain goes on in: the validators whose addresses count. */
async function currentCommittee(store: CommitStore, genesis: Genesis): Promise<Committee> {
  const epoch = await epochAfter(store, store.watermarks.highestSynced.index)
  return (epoch === undefined ? undefined : await store.getCommittee(epoch)) ?? genesis.committee
}
