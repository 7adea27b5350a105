import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../src/runtime/random.ts'
import { type Candidate, choosePeer, rank } from '../../src/state-sync/peer-balancer.ts'
import { propertyOptions } from '../runtime/property-options.ts'
import { randomPeer } from './random-peer.ts'

const SEED = 7
const CHOICES = 2_000
const WORK = { requests: 2, bytes: 1_000_000 }
const PEERS = await Promise.all(Array.from({ length: 8 }, () => randomPeer()))

type Row = Pick<Candidate, 'inFlight' | 'speed'> & Partial<Candidate>

const candidates = (rows: readonly Row[]): Candidate[] =>
  rows.flatMap((row, index) => {
    const peer = PEERS[index]
    return peer === undefined ? [] : [{ share: 1, isFull: false, ...row, peer }]
  })

const measured = (latencyMs: number, bytesPerSecond: number | undefined, inFlight = 0): Row => ({
  inFlight,
  speed: { latencyMs, bytesPerSecond, hasAnswered: true }
})
const unmeasured = (inFlight = 0): Row => ({ inFlight, speed: undefined })

function shares(rows: readonly Row[], { isUrgent = false, work = WORK } = {}): number[] {
  const random = seededRandom(SEED)
  const all = candidates(rows)
  const counts = rows.map(() => 0)
  for (let i = 0; i < CHOICES; i++) {
    const choice = choosePeer(all, work, { random, isUrgent })
    const index = all.findIndex(({ peer }) => peer === choice?.peer)
    counts[index] = (counts[index] ?? 0) + 1
  }
  return counts.map((count) => count / CHOICES)
}

const anyRow: fc.Arbitrary<Row> = fc.record({
  inFlight: fc.integer({ min: 0, max: 4 }),
  share: fc.double({ min: 0.01, max: 1, noNaN: true }),
  speed: fc.option(
    fc.record({
      latencyMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
      bytesPerSecond: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
      hasAnswered: fc.boolean()
    }),
    { nil: undefined }
  )
})
const anyWork = fc.record({ requests: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 1e9 }) })
const anyChoice = fc.tuple(
  fc.array(anyRow, { minLength: 1, maxLength: PEERS.length }).map(candidates),
  anyWork,
  fc.boolean(),
  fc.integer()
)

describe(`choosePeer (seed ${SEED})`, () => {
  it('chooses nobody from nobody, and somebody of any', () => {
    assert.equal(choosePeer([], WORK, { random: seededRandom(SEED), isUrgent: false }), undefined)
    fc.assert(
      fc.property(anyChoice, ([all, work, isUrgent, seed]) => {
        const choice = choosePeer(all, work, { random: seededRandom(seed), isUrgent })
        assert.ok(all.some(({ peer }) => peer === choice?.peer))
      }),
      propertyOptions
    )
  })

  it('never chooses a known peer where a known idle one should be done much sooner', () => {
    fc.assert(
      fc.property(anyChoice, ([all, work, isUrgent, seed]) => {
        const choice = choosePeer(all, work, { random: seededRandom(seed), isUrgent })
        const answering = all.filter(({ speed }) => speed?.hasAnswered === true)
        const ranked = rank(answering.length > 0 ? answering : all, work)
        const chosen = ranked.find(({ candidate }) => candidate.peer === choice?.peer)
        if (chosen === undefined) return // one that was not measured lately
        for (const { candidate, ms } of ranked) {
          if (candidate.inFlight > 0 || candidate.speed?.hasAnswered !== true) continue
          assert.ok(chosen.candidate.speed?.hasAnswered === true && chosen.ms <= ms * 1.25 + 2)
        }
      }),
      propertyOptions
    )
  })

  it('never tries an unknown peer with what everything waits for while somebody who answers can be asked', () => {
    fc.assert(
      fc.property(anyChoice, ([all, work, , seed]) => {
        const choice = choosePeer(all, work, { random: seededRandom(seed), isUrgent: true })
        const chosen = all.find(({ peer }) => peer === choice?.peer)
        assert.ok(chosen?.speed?.hasAnswered === true || all.every(({ speed }) => speed?.hasAnswered !== true))
        assert.equal(choice?.isExplored, false)
      }),
      propertyOptions
    )
  })

  it('takes the fast at random, and never the known slowest', () => {
    const [fast, second, slow] = shares([measured(5, 10e6), measured(6, 9e6), measured(5, 1e5)])
    assert.ok(fast !== undefined && fast > 0.4, `fast ${fast}`)
    assert.ok(second !== undefined && second > 0.4, `second ${second}`)
    assert.equal(slow, 0)
  })

  it('goes by latency where little is asked for, and by the rate where much is', () => {
    const rows = [measured(10, 1e6), measured(100, 50e6)]
    assert.deepEqual(shares(rows, { work: { requests: 2, bytes: 2_000 } }), [1, 0])
    assert.deepEqual(shares(rows, { work: { requests: 2, bytes: 20_000_000 } }), [0, 1])
  })

  it('ranks a healthy peer whose answers were all small by its latency', () => {
    assert.deepEqual(
      shares([measured(5, undefined), measured(20, 50e6), measured(20, 1e6)], { isUrgent: true }),
      [1, 0, 0]
    )
  })

  it('prefers an idle peer to one as fast that is busy, but not one that is far slower', () => {
    assert.deepEqual(shares([measured(5, 10e6, 3), measured(5, 9e6)]), [0, 1])
    assert.deepEqual(shares([measured(5, 10e6, 3), measured(5, 1e5)]), [1, 0])
  })

  it('rather asks nobody than one far slower than another that will soon have a hand free', () => {
    const full = { ...measured(5, 10e6, 4), isFull: true }
    assert.deepEqual(shares([full, measured(5_000, 1e6)]), [0, 0])
    assert.deepEqual(shares([full, measured(5, 2e6)]), [0, 1])
    assert.deepEqual(shares([full]), [0])
    assert.deepEqual(shares([{ ...unmeasured(4), isFull: true }]), [0])
  })

  it('prefers the unknown to those who never gave a whole answer', () => {
    const silent: Row = { inFlight: 0, speed: { latencyMs: 1_000, bytesPerSecond: undefined, hasAnswered: false } }
    assert.deepEqual(shares([silent, unmeasured()], { isUrgent: true }), [0, 1])
    assert.deepEqual(shares([silent, measured(5_000, 1e5)]), [0, 1])
    assert.deepEqual(shares([silent]), [1])
  })

  it('leaves aside who gives a crumb at a time', () => {
    assert.deepEqual(shares([{ ...measured(1, 50e6), share: 0.02 }, measured(10, 5e6)]), [0, 1])
  })

  it('tries the unknown now and then, and all of them before anybody is known', () => {
    const [unknown, known] = shares([unmeasured(), measured(5, 10e6)])
    assert.ok(unknown !== undefined && known !== undefined && unknown > 0.15 && unknown < 0.35, `unknown ${unknown}`)
    const first = shares([unmeasured(), unmeasured(), unmeasured(1)])
    assert.ok(first.slice(0, 2).every((share) => share > 0.4) && first[2] === 0, `${first}`)
    assert.deepEqual(shares([unmeasured(), measured(5, 10e6, 1)]), [1, 0], 'nobody known is idle')
  })
})
