import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import type { FetchCommitsResponse } from '../../src/state-sync/messages.ts'
import { pushCommit } from '../../src/state-sync/protocols.ts'
import {
  type ByzantinePeer,
  type ByzantineScript,
  buildChain,
  commitAt,
  silence,
  startByzantinePeer,
  TestNetwork
} from '../../src/testing/index.ts'
import { Reports } from './meet-liar.ts'

/** What the validators have at the beginning, and at the end. */
const BEGINNING = 250
const END = 280
const chain = buildChain({ commits: END })
const IMPOSSIBLE = Number.MAX_SAFE_INTEGER
const patience = () => AbortSignal.timeout(60_000)

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value
}

/** Claims, however it is asked. */
const claiming = (highestCertifiable: () => number, lowestAvailable = () => 1): ByzantineScript => ({
  getCommitAvailability: {
    answer: () => only({ highestCertifiable: highestCertifiable(), lowestAvailable: lowestAvailable() })
  }
})
const refusing = (error: () => RpcError): ByzantineScript => {
  const next = () => Promise.reject(error())
  return { fetchCommits: { answer: () => ({ [Symbol.asyncIterator]: () => ({ next }) }) } }
}
let risen = END

/** What a peer claims, and what becomes of it when it is asked. */
const CLAIMS: Record<string, ByzantineScript> = {
  '2^53 - 1 commits, and silence': { ...claiming(() => IMPOSSIBLE), fetchCommits: { stream: silence() } },
  '2^53 - 1 commits, none of them found': {
    ...claiming(() => IMPOSSIBLE),
    ...refusing(() => new RpcError('RPC_NOT_FOUND', 'no', { lowestAvailable: 1 }))
  },
  '2^53 - 1 commits, to be asked for another time': {
    ...claiming(() => IMPOSSIBLE),
    ...refusing(() => new RpcError('RPC_RATE_LIMITED', 'no', { retryAfterMs: IMPOSSIBLE }))
  },
  '2^53 - 1 commits, all of them pruned': {
    ...claiming(() => IMPOSSIBLE),
    ...refusing(() => new RpcError('RPC_NOT_FOUND', 'no', { lowestAvailable: IMPOSSIBLE }))
  },
  '2^53 - 1 commits, and the truth when asked': claiming(() => IMPOSSIBLE),
  'more with every answer, and silence': {
    ...claiming(() => {
      risen += 1_000
      return risen
    }),
    fetchCommits: { stream: silence() }
  },
  'a lowest commit above the highest': claiming(
    () => END,
    () => END + 1
  )
}

/** A node that syncs from two honest validators, with liars about that have dialled it. */
async function setUp(context: TestContext, scripts: readonly ByzantineScript[]) {
  const network = new TestNetwork(chain)
  const reports = new Reports()
  const liars: ByzantinePeer[] = []
  context.after(async () => {
    await Promise.all(liars.map((liar) => liar.stop()))
    await network[Symbol.asyncDispose]()
  })
  const config = { commitsPerRange: 10 }
  const victim = await network.start({ onPeerReport: reports.add, config })
  for (const script of scripts) {
    const liar = await startByzantinePeer({ chain, script })
    liars.push(liar)
    await liar.dial(victim)
  }
  const first = await network.start({ validator: 0, commits: BEGINNING, seeds: [victim] })
  const second = await network.start({ validator: 1, commits: BEGINNING, seeds: [first, victim] })
  return { network, victim, liars, reports, honest: [first, second] }
}

/** What peers are blamed for. A server on a busy machine may put anybody off. */
const blames = ({ all }: Reports) => all.filter(({ code }) => code !== 'RPC_RATE_LIMITED')

/** The victim catches up and goes on with the chain, and whoever is asked would not think that anything is amiss. */
async function assertUnmoved(network: TestNetwork, victim: SomaNode, honest: readonly SomaNode[]): Promise<void> {
  await network.reached(victim, BEGINNING, { signal: patience() })
  for (let index = BEGINNING + 1; index <= END; index++) {
    await network.commit(index, honest)
    await network.reached(victim, index, { signal: patience() })
  }
  const signal = patience()
  for (let status = await victim.status(); ; status = await victim.status()) {
    const isSound = status.health['state-sync']?.state === 'ok' && status.highestKnown === END
    if (isSound) break
    if (signal.aborted) assert.fail(JSON.stringify({ health: status.health, highestKnown: status.highestKnown }))
    await turn()
  }
}

describe('a claim changes nothing for anyone else', () => {
  for (const [name, script] of Object.entries(CLAIMS)) {
    it(`a peer that offers ${name}`, async (context) => {
      const { network, victim, honest, reports, liars } = await setUp(context, [script])
      await assertUnmoved(network, victim, honest)
      assert.ok(liars.every((liar) => liar.asked('getCommitAvailability') > 0))
      for (const { peerId, consequence } of blames(reports)) {
        assert.ok(
          honest.every((node) => !node.peerId.equals(peerId)),
          'no honest peer is blamed'
        )
        assert.equal(consequence, 'backoff', 'a claim is no lie about data')
      }
    })
  }

  it('five peers that offer 2^53 - 1 commits, and silence', async (context) => {
    const script = { ...claiming(() => IMPOSSIBLE), fetchCommits: { stream: silence() } }
    const { network, victim, honest } = await setUp(context, Array(5).fill(script))
    await assertUnmoved(network, victim, honest)
  })

  it('a peer that pushes commits by the thousand, each higher than the last', async (context) => {
    const silent = { ...claiming(() => 0), fetchCommits: { stream: silence() } }
    const { network, victim, honest, liars } = await setUp(context, [silent])
    const [liar] = liars
    assert.ok(liar)
    const end = new AbortController()
    const pushing = Array.from({ length: 8 }, async (_, lane) => {
      for (let index = END + lane; !end.signal.aborted; index += 1_000) {
        const commit = { index, digest: new Uint8Array(32).fill(7) }
        const { rpc } = liar.libp2p.services
        await rpc.call(victim.peerId, pushCommit, { commit, lowestAvailable: 1 }).catch(() => turn())
      }
    })
    await assertUnmoved(network, victim, honest)
    end.abort()
    await Promise.all(pushing)
  })
})

describe('a crumb at a time', () => {
  it('is hardly asked for where others give whole ranges, and no breach of the protocol', async (context) => {
    const script: ByzantineScript = {
      ...claiming(() => BEGINNING),
      fetchCommits: {
        async *answer(_, { start }) {
          const { subDag, certifiers } = commitAt(chain, start)
          yield { commits: [subDag.commit.bytes], certifierBlocks: certifiers } satisfies FetchCommitsResponse
        }
      }
    }
    const { network, victim, honest, liars, reports } = await setUp(context, [script])
    await network.reached(victim, BEGINNING, { signal: patience() })
    const before = liars[0]?.asked('fetchCommits') ?? 0
    await assertUnmoved(network, victim, honest)
    assert.deepEqual(blames(reports), [])
    assert.ok(before <= BEGINNING / 4, `asked ${before} times`)
  })
})
