import type { Logger, PeerId } from '@libp2p/interface'
import { subDagBytes } from '../consensus/committed-sub-dag.ts'
import { ByteBudget } from '../runtime/byte-budget.ts'
import { errorCode, toError } from '../runtime/soma-error.ts'
import { TaskGroup } from '../runtime/task-group.ts'
import type { StoreWrite } from '../storage/commit-store.ts'
import { CheckpointGuard } from './checkpoint-guard.ts'
import { CommitAnnouncer } from './commit-announcer.ts'
import { CommitWriter } from './commit-writer.ts'
import { CommittedTimestamps } from './committed-timestamps.ts'
import { EpochGate } from './epoch-gate.ts'
import { ExecutorPosition } from './executor-position.ts'
import { HandOvers } from './hand-overs.ts'
import { LocalConsensus } from './local-consensus.ts'
import { PeerHeights } from './peer-heights.ts'
import { PeerQuestions } from './peer-questions.ts'
import type { Range } from './range.ts'
import { attemptRange } from './range-attempt.ts'
import { RangeTable } from './range-table.ts'
import { StageTallies } from './stage-tallies.ts'
import { STATE_SYNC_DEFAULTS, type StateSyncComponents, type StateSyncInit } from './state-sync.ts'
import type { SyncError } from './sync-error.ts'
import { SyncLoop } from './sync-loop.ts'
import { SyncMailbox } from './sync-mailbox.ts'
import { SyncTail } from './sync-tail.ts'
import { SyncedTally } from './synced-tally.ts'

/** What state sync is put together from. */
export interface StateSyncParts {
  readonly mailbox: SyncMailbox
  readonly tasks: TaskGroup
  readonly ranges: RangeTable
  readonly heights: PeerHeights
  readonly budget: ByteBudget
  readonly stages: StageTallies
  readonly synced: SyncedTally
  readonly executor: ExecutorPosition
  readonly writer: CommitWriter
  readonly consensus: LocalConsensus
  readonly tail: SyncTail
  readonly loop: SyncLoop
}

export interface StateSyncPartsInit extends StateSyncInit {
  readonly components: StateSyncComponents
  readonly log: Logger
  /** A task has failed by an error of our own. */
  readonly onTaskFailed: (thrown: unknown) => void
  /** An attempt found what must halt the sync. */
  readonly onHalt: (error: SyncError) => Promise<void>
}

/** Makes the parts of state sync, and tells each of the others as much as it needs. None is started. */
export function createStateSyncParts(init: StateSyncPartsInit): StateSyncParts {
  const { store, blockVerifier, clock, random, health, genesis, log } = init
  const { rpc, peers } = init.components
  const config = { ...STATE_SYNC_DEFAULTS, ...init.config }
  const highestSynced = (): number => store.watermarks.highestSynced.index
  const mailbox = new SyncMailbox()
  const tasks = new TaskGroup(init.onTaskFailed)
  const ranges = new RangeTable()
  const heights = new PeerHeights(() => clock.monotonic())
  const budget = new ByteBudget(config.maxBytesInFlight)
  const stages = new StageTallies(() => clock.monotonic())
  const synced = new SyncedTally(highestSynced() === 0 ? genesis.startTimeMs : undefined)
  const executor = new ExecutorPosition({ store, slowestCursor: init.slowestCursor, log })
  const timestamps = new CommittedTimestamps()
  const guard = new CheckpointGuard(init.checkpoint)
  const reportPeer = (peer: PeerId, thrown: unknown): void => {
    log('%p: %s', peer, errorCode(thrown))
    const isWrongChain = errorCode(thrown) === 'SYNC_WRONG_CHAIN'
    peers.report(peer, thrown, isWrongChain ? { consequence: 'ban', during: 'chain check' } : {})
  }
  const epochs = new EpochGate({
    store,
    health,
    clock,
    mode: init.handOver ?? 'proof',
    log,
    onEpoch: (committee) => {
      log('the chain has come to epoch %d, of %d validators', committee.epoch, committee.validators.length)
      init.onEpoch?.(committee)
    }
  })
  const writer = new CommitWriter({
    store,
    epochs,
    handOvers: new HandOvers({ store, epochs, clock, guard, localStateHash: init.localStateHash, log }),
    guard,
    write: (write) => writeMeasured(init, write),
    onRead: (subDag) => {
      timestamps.add(subDag)
      synced.reach(subDag)
    },
    onStored: (subDags) => {
      init.onStored(subDags)
      const highest = subDags.at(-1)
      if (highest !== undefined) synced.reach(highest)
      tail.wake() // what local consensus stored may be just what a ready range waited for
      consensus.stored(store.watermarks.highestSynced)
      mailbox.hint({ type: 'stored' })
    }
  })
  const consensus = new LocalConsensus({ store, writer, epochs, blockVerifier, clock, timestamps, log })
  const tail = new SyncTail({
    ranges,
    budget,
    writer,
    clock,
    health,
    stages,
    highestSynced,
    assemble: (complete) => timestamps.assemble(complete),
    onSynced: (commits) => synced.add(commits.map(({ subDag }) => subDag))
  })
  const announcer = new CommitAnnouncer({
    rpc,
    store,
    heights,
    tasks,
    isAvailable: (peer) => peers.isAvailable(peer),
    onFailure: reportPeer
  })
  const questions = new PeerQuestions({
    chainId: genesis.chainId,
    rpc,
    clock,
    tasks,
    onChecked: (peer) => void mailbox.post({ type: 'chain-checked', peer }),
    onHeight: (peer, highest, lowest) => mailbox.hint({ type: 'height', peer, highest, lowest }),
    onFailure: (peer, thrown) => {
      loop.failedToAnswer(peer, `${errorCode(thrown)}: ${toError(thrown).message}`)
      reportPeer(peer, thrown)
    }
  })
  const attempts = {
    rpc,
    store,
    blockVerifier,
    epochs,
    guard,
    budget,
    stages,
    onVerified: init.onVerified,
    isLowest: (range: Range) => ranges.lowest === range,
    onProgress: () => tail.wake()
  }
  const loop: SyncLoop = new SyncLoop({
    mailbox,
    ranges,
    heights,
    peers,
    tasks,
    budget,
    clock,
    random,
    health,
    config,
    log,
    attempt: (range, by) => attemptRange(attempts, range, by),
    greet: (peer) => questions.greet(peer),
    queryHeight: (peer) => questions.queryHeight(peer),
    onHalt: (error) => tasks.run(() => init.onHalt(error)),
    announce: () => announcer.announce(),
    takenUpTo: () => tail.takenUpTo,
    highestSynced,
    executor: () => ({ position: executor.current, failure: init.executorFailure?.() }),
    isLeftToConsensus: () => consensus.isActive(config.consensusGraceMs),
    awaitedCommittee: () => epochs.awaited,
    storeFailure: () => {
      const storage = health.get('storage')
      return storage.state === 'ok' ? executor.failure : storage.reason
    }
  })
  return { mailbox, tasks, ranges, heights, budget, stages, synced, executor, writer, consensus, tail, loop }
}

async function writeMeasured({ store, clock, onWritten }: StateSyncInit, write: StoreWrite): Promise<void> {
  const begun = clock.monotonic()
  let result = 'ok'
  try {
    await store.write(write)
  } catch (thrown) {
    result = errorCode(thrown)
    throw thrown
  } finally {
    onWritten?.({
      result,
      commits: write.commits.length,
      bytes: write.commits.reduce((sum, subDag) => sum + subDagBytes(subDag), 0),
      milliseconds: clock.monotonic() - begun
    })
  }
}
