import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AbortError, type PeerId } from '@libp2p/interface'
import type { Dht, FoundPeer } from '../../src/discovery/dht/dht.ts'
import { DhtFeed, type FeedState } from '../../src/discovery/dht-feed.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const TICK_MS = 1_000
const [alice, bob, carol] = (await makePeers(3)) as [TestPeer, TestPeer, TestPeer]
const content: FeedState = { isIsolated: false, mayProvide: true, lacking: [] }
const isolated: FeedState = { ...content, isIsolated: true }

/** A feed whose DHT is this test. */
function start(context: TestContext, { routingTable = 1, known = [] as PeerId[] } = {}) {
  const clock = new ManualClock()
  const tasks = new TaskGroup((thrown) => assert.fail(String(thrown)))
  context.after(() => tasks.stop(new AbortError('done')))
  const asked: string[] = []
  const found: string[] = []
  const answers: { peers: FoundPeer[]; takers: number; failure?: Error } = { peers: [], takers: 1 }
  async function* answer(): AsyncGenerator<FoundPeer> {
    if (answers.failure) throw answers.failure
    yield* answers.peers
  }
  const dht: Dht = {
    provide: async () => {
      asked.push('provide')
      if (answers.failure) throw answers.failure
      return answers.takers
    },
    findProviders: () => {
      asked.push('lookup')
      return answer()
    },
    findPeer: (peerId) => {
      asked.push(peerId.toString())
      return answer()
    },
    status: () => ({
      mode: 'server',
      routingTable,
      queries: { succeeded: 0, failed: 0 },
      requests: { answered: 0, refused: 0 }
    })
  }
  const feed = new DhtFeed({
    dht,
    tasks,
    clock,
    random: seededRandom(1),
    tickMs: TICK_MS,
    isKnown: (peerId) => known.some((other) => other.equals(peerId)),
    onFound: ({ peerId }) => found.push(peerId.toString())
  })
  /** So many ticks, and what was asked in each. */
  const tick = async (state: FeedState, count = 1): Promise<string[][]> => {
    const perTick: string[][] = []
    for (let i = 0; i < count; i++) {
      feed.tick(state)
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
      perTick.push(asked.splice(0))
      clock.advance(TICK_MS)
    }
    return perTick
  }
  return { feed, clock, answers, found, tick }
}

const ticksWith = (asked: string[][], what: string) =>
  asked.flatMap((list, tick) => (list.includes(what) ? [tick] : []))

test('a node with peers enough announces itself a while after its start, and every twelve hours, and asks for nobody', async (context) => {
  const { tick, clock } = start(context)
  const asked = await tick(content, 100)
  const [first, ...more] = ticksWith(asked, 'provide')
  assert.ok(first !== undefined && first >= 6 && first <= 12, `at tick ${first}`)
  assert.deepEqual(more, [])
  assert.deepEqual(ticksWith(asked, 'lookup'), [])
  clock.advance(12 * 3_600_000)
  assert.deepEqual(await tick(content), [['provide']])
})

test('an isolated node announces itself and looks for others at once', async (context) => {
  const { tick } = start(context)
  assert.deepEqual(await tick(isolated), [['provide', 'lookup']])
})

test('lookups in vain become rarer, and one that brings somebody new is followed by another', async (context) => {
  const { tick, answers, found } = start(context)
  answers.peers = []
  const waits = ticksWith(await tick(isolated, 200), 'lookup')
  assert.deepEqual(waits.slice(0, 6), [0, 1, 3, 7, 15, 31])
  assert.ok(
    waits.slice(7).every((at, i) => at - (waits[i + 6] ?? 0) === 60),
    waits.join()
  )
  answers.peers = [{ peerId: alice.peerId, addresses: [], from: bob.peerId }]
  const again = ticksWith(await tick(isolated, 70), 'lookup')
  assert.ok(again.length > 5, again.join())
  assert.ok(found.includes(alice.peerId.toString()))
})

test('to find again who is known already is in vain', async (context) => {
  const { tick, answers } = start(context, { known: [alice.peerId] })
  answers.peers = [{ peerId: alice.peerId, addresses: [], from: bob.peerId }]
  assert.deepEqual(ticksWith(await tick(isolated, 10), 'lookup'), [0, 1, 3, 7])
})

test('a node that is isolated again looks at once', async (context) => {
  const { tick } = start(context)
  await tick(isolated, 40)
  assert.deepEqual(ticksWith(await tick(isolated), 'lookup'), [])
  await tick(content)
  assert.deepEqual(ticksWith(await tick(isolated), 'lookup'), [0])
})

test('who may not announce itself does not, and with nobody to ask nothing is asked', async (context) => {
  const hidden = start(context)
  assert.deepEqual(ticksWith(await hidden.tick({ ...isolated, mayProvide: false }, 50), 'provide'), [])
  const alone = start(context, { routingTable: 0 })
  assert.deepEqual((await alone.tick({ ...isolated, lacking: [alice.peerId] }, 50)).flat(), [])
})

test('an announcement that nobody took is made again', async (context) => {
  const { tick, answers } = start(context)
  answers.takers = 0
  assert.deepEqual(ticksWith(await tick(isolated, 10), 'provide'), [0, 1, 3, 7])
})

test('each peer that is lacking is looked for in its turn, more rarely each time', async (context) => {
  const { tick } = start(context)
  const lacking = [alice.peerId, bob.peerId]
  const asked = await tick({ ...content, mayProvide: false, lacking }, 12)
  assert.deepEqual(ticksWith(asked, alice.peerId.toString()), [0, 2, 4, 8])
  assert.deepEqual(ticksWith(asked, bob.peerId.toString()), [1, 3, 5, 9])
  const [after] = await tick({ ...content, mayProvide: false, lacking: [carol.peerId] })
  assert.deepEqual(after, [carol.peerId.toString()])
  const [anew] = await tick({ ...content, mayProvide: false, lacking: [alice.peerId] })
  assert.deepEqual(anew, [alice.peerId.toString()], 'who was not lacking meanwhile is looked for at once')
})

test('a query that fails is one in vain', async (context) => {
  const { tick, answers } = start(context)
  answers.failure = new Error('nobody answered')
  assert.deepEqual(ticksWith(await tick(isolated, 10), 'lookup'), [0, 1, 3, 7])
})
