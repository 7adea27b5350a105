import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setImmediate as settled } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { quietLogger } from '../../src/node/quiet-logger.ts'
import type { PeerSpeed } from '../../src/peers/speed-meter.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { ByteBudget } from '../../src/runtime/byte-budget.ts'
import { HealthRegistry } from '../../src/runtime/health.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import { PeerHeights } from '../../src/state-sync/peer-heights.ts'
import type { Range } from '../../src/state-sync/range.ts'
import type { AttemptOptions } from '../../src/state-sync/range-attempt.ts'
import { RangeTable } from '../../src/state-sync/range-table.ts'
import { STATE_SYNC_DEFAULTS, type StateSyncConfig } from '../../src/state-sync/state-sync.ts'
import { SyncError } from '../../src/state-sync/sync-error.ts'
import { SyncLoop } from '../../src/state-sync/sync-loop.ts'
import { SyncMailbox, type SyncMessage } from '../../src/state-sync/sync-mailbox.ts'
import { buildChain } from '../../src/testing/index.ts'
import { VerifyError } from '../../src/verify/verify-error.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { randomPeer } from './random-peer.ts'

const SEED = 11
const chain = buildChain({ commits: 30 })
const running: (() => Promise<void>)[] = []

/** One attempt that the loop began, for a test to end as it likes. */
interface Begun extends AttemptOptions {
  readonly range: Range
  settle(error?: Error): void
}

/** A loop whose attempts are in the test's hands. */
function setUp(changes: Partial<StateSyncConfig> = {}) {
  const clock = new ManualClock()
  const mailbox = new SyncMailbox()
  const heights = new PeerHeights(() => clock.monotonic())
  const ranges = new RangeTable()
  const tasks = new TaskGroup((error) => assert.fail(error as Error))
  const begun: Begun[] = []
  const asked: { what: 'chain' | 'height'; peer: PeerId }[] = []
  const reported: { peer: PeerId; code: string }[] = []
  const halts: SyncError[] = []
  const speeds = new Map<PeerId, PeerSpeed>()
  const stored = { upTo: 0 }
  const health = new HealthRegistry()
  const loop = new SyncLoop({
    mailbox,
    ranges,
    heights,
    peers: {
      isAvailable: () => true,
      speed: (peer) => speeds.get(peer),
      measured: () => {},
      delivered: () => {},
      report(peer, error) {
        reported.push({ peer, code: errorCode(error) })
        return 'none'
      },
      failedDials: () => []
    },
    tasks,
    budget: new ByteBudget(1_000),
    clock,
    random: seededRandom(SEED),
    health,
    config: { ...STATE_SYNC_DEFAULTS, commitsPerRange: 10, ...changes },
    log: quietLogger().forComponent('test'),
    attempt: (range, by) =>
      new Promise<void>((resolve, reject) => {
        const settle = (error?: Error) => (error === undefined ? resolve() : reject(error))
        by.signal.addEventListener('abort', () => settle(by.signal.reason))
        begun.push({ range, ...by, settle })
      }),
    greet: (peer) => void asked.push({ what: 'chain', peer }),
    queryHeight: (peer) => void asked.push({ what: 'height', peer }),
    onHalt(error) {
      halts.push(error)
      loop.halt(error)
    },
    announce: () => {},
    takenUpTo: () => stored.upTo,
    highestSynced: () => stored.upTo,
    executor: () => ({ position: 0, failure: undefined }),
    isLeftToConsensus: () => false,
    awaitedCommittee: () => undefined,
    storeFailure: () => undefined
  })
  const run = loop.run()
  running.push(async () => {
    mailbox.close()
    await tasks.stop(new SyncError('SYNC_STOPPED', 'the test is over'))
    await run
  })
  const tell = async (...messages: SyncMessage[]): Promise<void> => {
    for (const message of messages) mailbox.post(message)
    await settled()
  }
  /** Connects a peer of this chain that has commits up to a height. */
  const meet = async (highest: number): Promise<PeerId> => {
    const peer = await randomPeer()
    await tell(
      { type: 'peer-connected', peer },
      { type: 'chain-checked', peer },
      { type: 'height', peer, highest, lowest: 1 }
    )
    return peer
  }
  const pass = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds)
    await tell({ type: 'tick' })
  }
  const fail = async (attempt: Begun | undefined, error: Error): Promise<void> => {
    attempt?.settle(error)
    await settled()
  }
  return { begun, asked, reported, halts, speeds, health, stored, heights, ranges, tell, meet, pass, fail }
}

afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

const torn = () => new RpcError('RPC_STREAM_TORN', 'torn')

describe(`SyncLoop (seed ${SEED})`, () => {
  it('asks a peer for its chain first; what it says before that counts nothing', async () => {
    const { tell, asked, begun, pass } = setUp()
    const peer = await randomPeer()
    await tell(
      { type: 'peer-connected', peer },
      { type: 'height', peer, highest: 10, lowest: 1 },
      { type: 'pushed', peer, index: 10, lowest: 1 }
    )
    assert.deepEqual([asked, begun], [[{ what: 'chain', peer }], []])
    await pass(STATE_SYNC_DEFAULTS.heightQueryIntervalMs)
    assert.deepEqual(asked.at(-1), { what: 'chain', peer })
    await tell({ type: 'chain-checked', peer }, { type: 'pushed', peer, index: 10, lowest: 1 })
    assert.equal(begun.length, 1)
    await pass(STATE_SYNC_DEFAULTS.heightQueryIntervalMs)
    assert.deepEqual(asked.at(-1), { what: 'height', peer })
  })

  it('never has a commit in two ranges, and bounds them in all and by peer', async () => {
    const { meet, begun } = setUp({ maxRangesInFlight: 7, maxRangesPerPeer: 2 })
    for (let count = 0; count < 5; count++) await meet(1_000)
    const indexes = begun.flatMap(({ range }) => Array.from({ length: 10 }, (_, offset) => range.start + offset))
    assert.deepEqual(
      indexes,
      Array.from({ length: 70 }, (_, index) => index + 1)
    )
    const byPeer = Map.groupBy(begun, ({ peer }) => peer.toString())
    assert.ok([...byPeer.values()].every(({ length }) => length <= 2))
  })

  it('asks another peer at once for what one did not deliver', async () => {
    const { meet, begun, fail } = setUp()
    const [a, b] = [await meet(10), await meet(10)]
    await fail(begun[0], torn())
    assert.equal(begun.length, 2)
    assert.deepEqual(new Set(begun.map(({ peer }) => peer)), new Set([a, b]))
  })

  it('asks the same peer again only after a rest', async () => {
    const { meet, begun, fail, pass } = setUp()
    await meet(10)
    await fail(begun[0], new RpcError('RPC_BAD_FRAME', 'garbage'))
    await pass(900)
    assert.equal(begun.length, 1)
    await pass(100)
    assert.equal(begun.length, 2)
  })

  it('rests with everybody after a fault that is no peer’s', async () => {
    for (const error of [new TypeError('a defect'), new VerifyError('BLOCK_UNKNOWN_EPOCH', 'no committee yet')]) {
      const { meet, begun, fail, pass } = setUp()
      await Promise.all([meet(10), meet(10), meet(10)])
      await fail(begun[0], error)
      await pass(900)
      assert.equal(begun.length, 1, error.message)
      await pass(100)
      assert.equal(begun.length, 2, error.message)
    }
  })

  it('believes no more of what a peer does not deliver', async () => {
    for (const error of [new VerifyError('COMMITS_EMPTY', 'nothing'), new RpcError('RPC_NOT_FOUND', 'not there')]) {
      const { meet, begun, fail, heights, pass } = setUp()
      const peer = await meet(10)
      await fail(begun[0], error)
      assert.equal(heights.get(peer)?.highest, 0)
      await pass(1_000)
      assert.equal(begun.length, 1)
    }
  })

  it('takes a peer at its word that it has pruned, and asks it for what lies above', async () => {
    const { meet, begun, fail, heights } = setUp({ maxRangesInFlight: 1 })
    const peer = await meet(100)
    await fail(begun[0], new RpcError('RPC_NOT_FOUND', 'pruned', { lowestAvailable: 50 }))
    assert.deepEqual(heights.get(peer), { peer, highest: 100, lowest: 50 })
  })

  it('asks whoever has some of the blocks of certified commits for these, where nobody has them all', async () => {
    const { meet, begun, fail, pass, tell } = setUp()
    const ahead = await meet(10)
    begun[0]?.range.certify({ commits: chain.commits.slice(0, 10).map(({ subDag }) => subDag.commit), certifiers: [] })
    await tell({ type: 'peer-disconnected', peer: ahead })
    await fail(begun[0], torn())
    const part = await meet(7)
    await pass(1_000)
    assert.deepEqual(
      begun.slice(1).map(({ peer, end }) => ({ peer, end })),
      [{ peer: part, end: 7 }]
    )
    begun[1]?.range.addBlocks(chain.commits.slice(0, 7).flatMap(({ subDag }) => subDag.blocks))
    begun[1]?.settle()
    await settled()
    await pass(1_000)
    assert.equal(begun.length, 2, 'it has no more of them')
    await tell({ type: 'height', peer: part, highest: 10, lowest: 1 })
    assert.deepEqual({ peer: begun[2]?.peer, end: begun[2]?.end }, { peer: part, end: 10 })
  })

  it('asks for the blocks of certified commits first those who have all of them', async () => {
    const { meet, begun, fail } = setUp()
    const ahead = await meet(10)
    begun[0]?.range.certify({ commits: chain.commits.slice(0, 10).map(({ subDag }) => subDag.commit), certifiers: [] })
    await meet(9)
    await fail(begun[0], torn())
    assert.equal(begun.length, 1)
    const other = await meet(10)
    assert.deepEqual(
      begun.map(({ peer }) => peer),
      [ahead, other]
    )
  })

  it('gives the turn to another when everything waits for a slow peer', async () => {
    const { meet, begun, pass, reported } = setUp()
    const slow = await meet(10)
    void begun[0]?.pace.watch({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }).next()
    await settled()
    await pass(STATE_SYNC_DEFAULTS.stallMs)
    assert.equal(begun[0]?.signal.aborted, false) // nobody else has it
    const other = await meet(10)
    await pass(STATE_SYNC_DEFAULTS.stallMs)
    await settled()
    assert.deepEqual(reported, [{ peer: slow, code: 'RPC_TIMEOUT' }])
    assert.equal(begun[1]?.peer, other)
  })

  it('calls slow what is far below another’s pace', async () => {
    const { meet, begun, pass, speeds, reported } = setUp()
    const slow = await meet(10)
    void begun[0]?.pace.watch({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }).next()
    await settled()
    const fast = await meet(10)
    speeds.set(fast, { latencyMs: 10, bytesPerSecond: 1_000_000, hasAnswered: true })
    begun[0]?.pace.arrived((STATE_SYNC_DEFAULTS.stallMs / 1_000) * 100_000)
    await pass(STATE_SYNC_DEFAULTS.stallMs)
    assert.deepEqual(reported, [])
    begun[0]?.pace.arrived((STATE_SYNC_DEFAULTS.stallMs / 1_000) * 50_000)
    await pass(STATE_SYNC_DEFAULTS.stallMs)
    await settled()
    assert.deepEqual(reported, [{ peer: slow, code: 'RPC_TIMEOUT' }])
  })

  describe('a range that everything waits for', () => {
    const waitFor = async (begun: Begun | undefined): Promise<void> => {
      const silence = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
      void begun?.pace.watch(silence).next()
      await settled()
    }
    /** One range that lags with a first peer, and another peer that has it. */
    const lagging = async (changes: Partial<StateSyncConfig> = {}) => {
      const loop = setUp(changes)
      const slow = await loop.meet(10)
      await waitFor(loop.begun[0])
      const fast = await loop.meet(10)
      for (const peer of [slow, fast])
        loop.speeds.set(peer, { latencyMs: 200, bytesPerSecond: 1_000_000, hasAnswered: true })
      return { ...loop, slow, fast }
    }

    it('is asked of another as well once it takes longer than it should, and the first answer wins', async () => {
      const { begun, pass, reported, slow, fast, ranges } = await lagging()
      await pass(500) // two requests at 200 ms, and 160 KB at 1 MB/s: 560 ms
      assert.equal(begun.length, 1)
      await pass(700)
      assert.deepEqual(
        begun.map(({ peer }) => peer),
        [slow, fast]
      )
      await pass(1_000)
      assert.equal(begun.filter(({ peer }) => peer === fast).length, 1, 'once')
      begun[1]?.range.certify({ commits: [], certifiers: [] })
      begun[1]?.settle()
      await settled()
      assert.equal(begun[0]?.signal.aborted, true)
      assert.deepEqual(ranges.askable, [])
      assert.deepEqual(
        reported.filter(({ peer }) => peer === fast),
        []
      )
    })

    it('leaves whom it was asked of first without blame when the second was faster', async () => {
      const { begun, pass, reported, heights, slow } = await lagging()
      await pass(1_200)
      begun[1]?.settle()
      await settled()
      assert.equal(begun[0]?.signal.aborted, true)
      assert.deepEqual(reported, [])
      assert.equal(heights.get(slow)?.highest, 10)
    })

    it('goes on with the one when the other fails', async () => {
      const { begun, pass, fail, ranges, reported, slow, fast } = await lagging()
      await pass(1_200)
      await fail(begun[0], torn())
      assert.equal(ranges.lowest?.peer, fast)
      assert.deepEqual(reported, [{ peer: slow, code: 'RPC_STREAM_TORN' }])
      assert.equal(begun.length, 2)
      await fail(begun[1], torn())
      assert.equal(ranges.lowest?.state.name, 'asked', 'it is asked again when both have failed')
    })

    it('is not asked of another that should not bring it sooner', async () => {
      const { begun, pass, speeds, fast } = await lagging()
      speeds.set(fast, { latencyMs: 2_000, bytesPerSecond: 10_000, hasAnswered: true })
      begun[0]?.pace.arrived(150_000)
      await pass(1_200)
      assert.equal(begun.length, 1)
    })

    it('is asked of the second for no more than it claims to have', async () => {
      const { meet, begun, pass, tell } = setUp()
      const liar = await meet(Number.MAX_SAFE_INTEGER)
      for (const attempt of begun) await waitFor(attempt)
      const honest = await meet(0)
      await tell({ type: 'pushed', peer: honest, index: 1, lowest: 1 })
      await pass(3_000)
      assert.deepEqual(
        begun.filter(({ peer }) => peer === honest).map(({ end }) => end),
        [1]
      )
      assert.equal(begun[0]?.peer, liar)
    })
  })

  it('never shows the claim of a lone liar as a lack, nor lets it stand in the way of what others have', async () => {
    const { meet, begun, fail, health, stored, heights, pass } = setUp()
    stored.upTo = 100
    await meet(100)
    const liar = await meet(Number.MAX_SAFE_INTEGER)
    assert.ok(begun.length > 0 && begun.every(({ peer }) => peer === liar))
    for (let round = 0; round < 3; round++) {
      for (const attempt of begun.splice(0)) await fail(attempt, torn())
      assert.deepEqual(health.get('state-sync'), { state: 'ok' })
      assert.equal(heights.highestKnown(100), 100)
      await pass(1_000)
    }
  })

  it('halts on a fork: it blames nobody, and asks nobody any more', async () => {
    const { meet, begun, fail, halts, reported, pass } = setUp()
    await Promise.all([meet(20), meet(20)])
    assert.equal(begun.length, 2)
    await fail(begun[1], new SyncError('SYNC_FORK', 'a fork'))
    await settled()
    assert.equal(begun[0]?.signal.aborted, true)
    await pass(60_000)
    assert.deepEqual([halts.length, begun.length, reported], [1, 2, []])
  })

  it('asks again what waited in vain for a later epoch when the chain has come on, and not before', async () => {
    const { meet, begun, fail, pass, stored } = setUp({ maxRangesInFlight: 2, maxRangesPerPeer: 2 })
    await meet(100)
    await meet(100)
    assert.deepEqual(
      begun.map(({ range }) => range.start),
      [1, 11]
    )
    await fail(begun[1], new VerifyError('BLOCK_UNKNOWN_EPOCH', 'the chain has not come there'))
    await pass(20_000)
    assert.equal(begun.length, 2)
    stored.upTo = 5
    await pass(100)
    assert.equal(begun.at(-1)?.range.start, 11)
    assert.equal(begun.length, 3)
    await fail(begun[0], new VerifyError('BLOCK_UNKNOWN_EPOCH', 'not inserted yet'))
    await pass(1_000)
    assert.equal(begun.at(-1)?.range.start, 1, 'what follows the chain directly is asked for all the same')
  })

  it('is well again as soon as what it waited for is stored', async () => {
    const { meet, pass, tell, stored, health } = setUp()
    await meet(10)
    await pass(500)
    await pass(2_500)
    assert.equal(health.get('state-sync').state, 'degraded')
    stored.upTo = 10
    await tell({ type: 'stored' })
    assert.deepEqual(health.get('state-sync'), { state: 'ok' })
  })
})
