import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { encode as varint } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { fetchBlocks, fetchCommits, getCommitInfo, pushCommit } from '../../src/state-sync/protocols.ts'
import {
  type ByzantineScript,
  buildChain,
  commitAt,
  endedAfter,
  endlessPrefix,
  garbageFrame,
  oversizeFrame,
  type StreamLie,
  silence,
  startByzantinePeer,
  TestNetwork,
  tornAfter,
  trickle
} from '../../src/testing/index.ts'
import { Meeting, patience } from './meet-liar.ts'

const COMMITS = 40
const chain = buildChain({ commits: COMMITS })
/** Short, so that a test of silence is. */
const STALL_MS = 300

/** Sends every frame of an honest answer at once, changed. */
function framesLie(lie: (frames: readonly Uint8ArrayList[]) => readonly Uint8ArrayList[]): StreamLie {
  return async ({ stream, honest }) => {
    stream.send(new Uint8ArrayList(...lie(await Array.fromAsync(honest()))))
    await stream.close()
  }
}

const anyContent = Uint8Array.from({ length: 300 }, (_, index) => (index * 37) % 256)

/** What a peer does with the stream of an answer, and what it is told apart by. */
const ANSWERS: Record<string, { code: string; consequence: 'penalty' | 'backoff'; script: ByzantineScript }> = {
  'a frame over the limit': {
    code: 'RPC_OVERSIZE_FRAME',
    consequence: 'penalty',
    script: { fetchCommits: { stream: oversizeFrame() } }
  },
  'a frame of 2^53 - 1 bytes': {
    code: 'RPC_OVERSIZE_FRAME',
    consequence: 'penalty',
    script: { fetchBlocks: { stream: oversizeFrame(Number.MAX_SAFE_INTEGER) } }
  },
  'a height of a frame over its own limit': {
    code: 'RPC_OVERSIZE_FRAME',
    consequence: 'penalty',
    script: { getCommitAvailability: { stream: oversizeFrame(getCommitInfo.maxResponseBytes + 1) } }
  },
  'a length without an end': {
    code: 'RPC_BAD_FRAME',
    consequence: 'penalty',
    script: { fetchCommits: { stream: endlessPrefix() } }
  },
  'a frame that is no message': {
    code: 'RPC_BAD_FRAME',
    consequence: 'penalty',
    script: { fetchBlocks: { stream: garbageFrame(anyContent) } }
  },
  'an empty frame': {
    code: 'RPC_BAD_FRAME',
    consequence: 'penalty',
    script: { fetchCommits: { stream: garbageFrame(new Uint8Array()) } }
  },
  'a frame after the status': {
    code: 'RPC_UNEXPECTED_FRAME',
    consequence: 'penalty',
    script: { fetchCommits: { stream: framesLie((frames) => [...frames, ...frames.slice(0, 1)]) } }
  },
  'two responses where one belongs': {
    code: 'RPC_UNEXPECTED_FRAME',
    consequence: 'penalty',
    script: { getCommitInfo: { stream: framesLie((frames) => [...frames.slice(0, 1), ...frames]) } }
  },
  'a status without the response': {
    code: 'RPC_BAD_FRAME',
    consequence: 'penalty',
    script: { getCommitInfo: { stream: framesLie((frames) => frames.slice(-1)) } }
  },
  'a stream torn at once': {
    code: 'RPC_STREAM_TORN',
    consequence: 'backoff',
    script: { fetchCommits: { stream: tornAfter(0) } }
  },
  'a stream torn in the middle of a frame': {
    code: 'RPC_STREAM_TORN',
    consequence: 'backoff',
    script: { fetchBlocks: { stream: tornAfter(5_000) } }
  },
  'a stream that ends in the middle of a frame': {
    code: 'RPC_STREAM_TORN',
    consequence: 'backoff',
    script: { fetchBlocks: { stream: endedAfter(5_000) } }
  },
  'an answer without its status': {
    code: 'RPC_STREAM_TORN',
    consequence: 'backoff',
    script: { fetchCommits: { stream: framesLie((frames) => frames.slice(0, -1)) } }
  }
}

describe('a peer whose answer is no answer is told apart; another serves the truth', () => {
  for (const [name, { code, consequence, script }] of Object.entries(ANSWERS)) {
    it(`${name}: ${code}`, async () => {
      await using meeting = await Meeting.begin(chain, { script })
      const report = await meeting.reports.of(meeting.liar, code)
      assert.equal(report.consequence, consequence)
      assert.equal(meeting.stored, 0)
      await meeting.recover()
    })
  }

  it('who goes on with it is banned', async () => {
    const script = { fetchCommits: { stream: endlessPrefix() } }
    await using meeting = await Meeting.begin(chain, { script }, { config: { commitsPerRange: COMMITS / 5 } })
    await meeting.liar.disconnectedFrom(meeting.victim.peerId, { signal: patience() })
    const counted = meeting.reports.all.filter(({ consequence }) => consequence !== 'none') // what was under way ends with the connection
    assert.deepEqual([counted.length, counted.at(-1)?.consequence], [5, 'ban'])
  })
})

describe('a peer that lets everyone wait: another is asked beside it', () => {
  /** Lets a test know that the liar was asked before anybody else came. */
  function announced(lie: StreamLie): { lie: StreamLie; asked: Promise<void> } {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const announcing: StreamLie = async (exchange) => {
      await exchange.requested
      resolve()
      await lie(exchange)
    }
    return { lie: announcing, asked }
  }

  for (const [name, lie] of Object.entries({ 'by silence': silence(), 'by a byte now and then': trickle(20) })) {
    for (const rpc of ['fetchCommits', 'fetchBlocks'] as const) {
      it(`${name}, asked by ${rpc}`, async () => {
        const { lie: stream, asked } = announced(lie)
        const options = { config: { stallMs: STALL_MS } }
        await using meeting = await Meeting.begin(chain, { script: { [rpc]: { stream } } }, options)
        await asked
        await meeting.recover()
        assert.ok(meeting.reports.all.every(({ consequence }) => consequence === 'backoff'))
      })
    }
  }

  it('by a commit now and then, each in a frame of its own', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const script: ByzantineScript = {
      fetchCommits: {
        async *answer(honest, _, { signal }) {
          resolve()
          for await (const frame of honest) {
            for (const commit of frame.commits) {
              yield { commits: [commit], certifierBlocks: [] }
              await delay(STALL_MS / 2, undefined, { signal })
            }
            yield { ...frame, commits: [] }
          }
        }
      }
    }
    await using meeting = await Meeting.begin(chain, { script }, { config: { stallMs: STALL_MS } })
    await asked
    await meeting.recover()
    assert.ok(meeting.reports.all.every(({ consequence }) => consequence === 'backoff'))
  })

  it('by silence in the chain check: it is asked for nothing', async () => {
    const { lie: stream, asked } = announced(silence())
    await using meeting = await Meeting.begin(chain, { script: { getCommitInfo: { stream } } })
    await asked
    const { liar, victim } = meeting
    const { ref } = commitAt(chain, COMMITS).subDag.commit
    await liar.libp2p.services.rpc.call(victim.peerId, pushCommit, { commit: ref, lowestAvailable: 1 })
    await meeting.recover()
    assert.equal(liar.asked('fetchCommits'), 0)
    assert.equal(liar.asked('getCommitInfo'), 1)
  })
})

describe('a peer that attacks as one who asks', () => {
  const whole = { commits: COMMITS, validator: 1 }
  const honest = { chain: { genesis: chain.genesis, commits: [] } }

  async function open(meeting: Meeting, protocol: { readonly name: string }): Promise<Stream> {
    const connection = meeting.liar.libp2p
      .getConnections(meeting.victim.peerId)
      .findLast(({ status }) => status === 'open')
    assert.ok(connection)
    const id = meeting.liar.libp2p.services.rpc.protocolId({ ...getCommitInfo, name: protocol.name })
    return await connection.newStream(id, { maxOutboundStreams: 10_000, signal: patience() })
  }

  /** The victim still serves: a newcomer that knows it alone gets the whole chain from it. */
  async function assertServes(meeting: Meeting): Promise<void> {
    const newcomer = await meeting.network.start({ seeds: [meeting.victim] })
    await meeting.network.reached(newcomer, COMMITS, { signal: patience() })
  }

  const requests: Record<string, { code: string; bytes: Uint8Array }> = {
    'a request over the limit': {
      code: 'RPC_OVERSIZE_FRAME',
      bytes: Uint8Array.of(...varint(fetchBlocks.maxRequestBytes + 1))
    },
    'a length without an end': { code: 'RPC_BAD_FRAME', bytes: new Uint8Array(64).fill(0x80) },
    'a request that is none': { code: 'RPC_BAD_FRAME', bytes: Uint8Array.of(3, 255, 255, 255) },
    'a request for a range that cannot be': { code: 'RPC_INVALID_REQUEST', bytes: Uint8Array.of(2, 0x12, 0) }
  }
  for (const [name, { code, bytes }] of Object.entries(requests)) {
    it(`${name} costs the stream, and in the end the connection: ${code}`, async () => {
      await using meeting = await Meeting.begin(chain, honest, whole)
      const { liar, victim, reports } = meeting
      for (let count = 0; count < 5; count++) {
        const stream = await open(meeting, fetchCommits)
        const closed = once(stream, 'close', { signal: patience() })
        stream.send(bytes)
        stream.close().catch(() => {}) // it may be reset already
        await closed
      }
      assert.equal((await reports.of(liar, code)).consequence, 'penalty')
      await liar.disconnectedFrom(victim.peerId, { signal: patience() })
      const counted = reports.all.filter(({ consequence }) => consequence !== 'none') // what was under way ends with the connection
      assert.equal(counted.at(-1)?.consequence, 'ban')
      await assertServes(meeting)
    })
  }

  it('hoards streams: others are served all the same', async () => {
    await using meeting = await Meeting.begin(chain, honest, whole)
    const { liar, victim } = meeting
    const hoarding = patience()
    let held = 0
    for (let round = 0; round < 30 || held < 200; round++) {
      // a connection that is lost, or was one of two dialled at once, does not stop it
      const isOpen = liar.libp2p.getConnections(victim.peerId).some(({ status }) => status === 'open')
      if (!isOpen) await liar.dial(victim)
      const opened = await Promise.allSettled(Array.from({ length: 10 }, () => open(meeting, fetchBlocks)))
      held += opened.filter(({ status }) => status === 'fulfilled').length
      const refused = opened.find(({ status }) => status === 'rejected')
      assert.ok(!hoarding.aborted, `${held} streams; ${refused?.status === 'rejected' ? refused.reason : ''}`)
      await nextTurn() // what is refused at once must not keep from us that a connection has closed
      if (opened.some(({ status }) => status === 'fulfilled')) continue
      for (const connection of liar.libp2p.getConnections(victim.peerId))
        connection.abort(new Error('it takes no more'))
    }
    await assertServes(meeting)
  })

  it('asks and never reads: others are served all the same', async () => {
    await using meeting = await Meeting.begin(chain, honest, whole)
    const refs = chain.commits.flatMap(({ subDag }) => subDag.commit.commit.blocks)
    for (let count = 0; count < 8; count++) {
      const answer = meeting.liar.libp2p.services.rpc.stream(meeting.victim.peerId, fetchBlocks, { refs })
      await answer.next() // and no more
    }
    await assertServes(meeting)
  })

  it('asks without a pause: it is put off, and others are served all the same', async () => {
    await using meeting = await Meeting.begin(chain, honest, whole)
    const { rpc } = meeting.liar.libp2p.services
    const question = { latest: true, index: undefined, digest: undefined }
    const calls = Array.from({ length: 1_500 }, () => rpc.call(meeting.victim.peerId, getCommitInfo, question))
    const outcomes = await Promise.allSettled(calls)
    const codes = new Set(
      outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? errorCode(outcome.reason) : []))
    )
    codes.delete('RPC_STREAM_TORN') // more streams than a connection may have
    assert.deepEqual([...codes], ['RPC_RATE_LIMITED'])
    await assertServes(meeting)
  })

  it('pushes without a pause: the sync goes on', async () => {
    await using meeting = await Meeting.begin(chain, honest)
    const { rpc } = meeting.liar.libp2p.services
    const { ref } = commitAt(chain, 1).subDag.commit
    const pushes = Array.from({ length: 1_500 }, (_, index) => {
      const request = { commit: { ...ref, index: index + 1 }, lowestAvailable: 1 }
      return rpc.call(meeting.victim.peerId, pushCommit, request)
    })
    await Promise.all([meeting.recover(), Promise.allSettled(pushes)])
  })
})

describe('one honest peer among many others', () => {
  it('is enough, whatever the others do', async () => {
    const long = buildChain({ commits: 300 })
    const refuse = () => Promise.reject(new RpcError('RPC_UNAVAILABLE', 'later'))
    const claim = { highestCertifiable: Number.MAX_SAFE_INTEGER, lowestAvailable: 1 }
    const scripts: ByzantineScript[] = [
      { fetchCommits: { stream: silence() } },
      { fetchBlocks: { stream: silence() } },
      { fetchCommits: { stream: trickle(50) } },
      { fetchBlocks: { stream: tornAfter(20_000) } },
      { fetchCommits: { answer: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }) } },
      {
        fetchBlocks: {
          async *answer(honest) {
            for await (const { blocks } of honest) yield { blocks: blocks.toReversed() }
          }
        }
      },
      {
        getCommitAvailability: {
          async *answer() {
            yield claim
          }
        }
      }
    ]
    const config = { stallMs: STALL_MS, commitsPerRange: 20 }
    await using network = new TestNetwork(long)
    await using stack = new AsyncDisposableStack()
    const victim = await network.start({ config })
    for (const script of scripts) {
      const liar = await startByzantinePeer({ chain: long, script })
      stack.use(liar)
      await liar.dial(victim)
    }
    await network.start({ validator: 0, commits: 300, seeds: [victim] })
    await network.reached(victim, 300, { signal: patience() })
    const stored = await victim.store.getCommit(300)
    assert.deepEqual(stored?.ref, commitAt(long, 300).subDag.commit.ref)
  })
})
