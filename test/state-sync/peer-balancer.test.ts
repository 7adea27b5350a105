import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../src/runtime/random.ts'
import { type Candidate, choosePeer } from '../../src/state-sync/peer-balancer.ts'
import { randomPeer } from './random-peer.ts'

const SEED = 7
const CHOICES = 2_000

async function candidates(rows: readonly Omit<Candidate, 'peer'>[]): Promise<Candidate[]> {
  return Promise.all(rows.map(async (row) => ({ ...row, peer: await randomPeer() })))
}

function shares(rows: readonly Candidate[]): number[] {
  const random = seededRandom(SEED)
  const counts = rows.map(() => 0)
  for (let i = 0; i < CHOICES; i++) {
    const chosen = choosePeer(rows, random)
    const index = rows.findIndex(({ peer }) => peer === chosen)
    counts[index] = (counts[index] ?? 0) + 1
  }
  return counts.map((count) => count / CHOICES)
}

describe(`choosePeer (seed ${SEED})`, () => {
  it('chooses nobody from nobody', () => {
    assert.equal(choosePeer([], seededRandom(SEED)), undefined)
  })

  it('prefers the two fastest of the idle, and explores the rest now and then', async () => {
    const [fast, second, slow] = shares(
      await candidates([
        { inFlight: 0, throughput: 1_000 },
        { inFlight: 0, throughput: 900 },
        { inFlight: 0, throughput: 1 }
      ])
    )
    assert.ok(fast !== undefined && fast > 0.4, `fast ${fast}`)
    assert.ok(second !== undefined && second > 0.4, `second ${second}`)
    assert.ok(slow !== undefined && slow > 0 && slow < 0.1, `slow ${slow}`)
  })

  it('prefers an idle peer to a faster one that is busy', async () => {
    const [busy, idle] = shares(
      await candidates([
        { inFlight: 3, throughput: 1_000 },
        { inFlight: 0, throughput: 10 }
      ])
    )
    assert.ok(idle !== undefined && busy !== undefined && idle > 0.9 && busy > 0, `idle ${idle}, busy ${busy}`)
  })

  it('measures the unmeasured before it settles on the known', async () => {
    const [unmeasured, , third] = shares(
      await candidates([
        { inFlight: 0, throughput: undefined },
        { inFlight: 0, throughput: 500 },
        { inFlight: 0, throughput: 400 }
      ])
    )
    assert.ok(unmeasured !== undefined && third !== undefined && unmeasured > 0.4 && third < 0.1)
  })
})
