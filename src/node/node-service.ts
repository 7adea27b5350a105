import type { PeerId } from '@libp2p/interface'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import type { SubscribeOptions } from '../delivery/delivery.ts'
import type { Health } from '../runtime/health.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import { toError } from '../runtime/soma-error.ts'
import { VERSION } from '../runtime/version.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { checkpointAt, epochAfter } from '../storage/epoch-after.ts'
import { checkBan, checkPeerId } from './check-ban.ts'
import { NodeError } from './node-error.ts'
import type { NewEvent } from './node-events.ts'
import { createNodeParts, type NodeParts } from './node-parts.ts'
import { healthOf, nodeStatus } from './node-status.ts'
import { checkPeerAddresses } from './peer-addresses.ts'
import type { ResolvedNodeInit } from './resolved-node-init.ts'
import type { BanOptions, ConsensusInterface, NodeStatus, PeerBan, SomaNode } from './soma-node.ts'
import { bannedEvent, epochEvent, failedEvent, liftedEvent, startedEvent } from './watch/describe-event.ts'
import { NodeWatch } from './watch/node-watch.ts'

/** A whole node: the parts, their lifecycle and their status. */
export class NodeService implements SomaNode {
  readonly genesis: Genesis
  readonly store: CommitStore
  readonly consensus: ConsensusInterface
  readonly #init: ResolvedNodeInit
  readonly #parts: NodeParts
  readonly #watching = new AbortController()
  #watch: Promise<void> | undefined
  /** Of the epoch that the chain goes on in. */
  #committee: Committee
  #startedAt: number | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  readonly #stopped = Promise.withResolvers<Error | undefined>()

  private constructor(init: ResolvedNodeInit, parts: NodeParts, committee: Committee) {
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
    const committee = await currentCommittee(init.store, init.genesis)
    const parts = await createNodeParts({
      ...init,
      committee,
      onEpoch: (next) => node.#enter(next),
      onFailure: (error) => {
        parts.events.add(failedEvent(error))
        node.#stopWith(error)
      }
    })
    const node = new NodeService(init, parts, committee)
    return node
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
      if (this.#startedAt === undefined && this.#stopping === undefined) this.#begin()
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
    return await nodeStatus({
      store: this.store,
      parts: this.#parts,
      chainId: toHex(this.genesis.chainId),
      role: this.#isValidator() ? 'validator' : 'full',
      uptimeMs: this.#startedAt === undefined ? 0 : Math.round(this.#init.clock.monotonic() - this.#startedAt),
      epoch: this.#committee.epoch
    })
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
          health: healthOf(this.#parts)
        }
      }
    })
    this.#watch = watch.run(this.#watching.signal).catch((thrown: unknown) => {
      events.add(failedEvent(toError(thrown)))
      this.#stopWith(toError(thrown))
    })
  }

  /** The chain goes on in another epoch. */
  #enter(committee: Committee): void {
    const { events, validators, libp2p } = this.#parts
    this.#committee = committee
    events.add(epochEvent(committee, this.#isValidator()))
    validators.enter(committee)
    libp2p.services.discovery.setCommittee(committee)
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
